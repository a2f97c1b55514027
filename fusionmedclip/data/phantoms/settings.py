"""How a phantom is shown and built: brightness, contrast, gamma, noise, sharpness, framing, build, finding.

The settings of phantom number ``index`` come from an additive recurrence (Roberts' R_d sequence), shifted at
random for each seed, modality and class. Any run of indices therefore covers the whole range evenly in both
classes, so that brightness or noise tells normal from abnormal by the luck of the draw less often.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fusionmedclip.randomness import generator

__all__ = ["Settings", "draw_settings", "pick", "show"]


@dataclass(frozen=True)
class Settings:
    """Each value lies in ``[0, 1)``; a modality maps it to its own range."""

    brightness: float
    contrast: float
    gamma: float
    noise: float
    blur: float
    zoom: float
    protocol: float
    build: float
    habitus: float
    finding: float


_COUNT = len(Settings.__dataclass_fields__)


def _steps() -> np.ndarray:
    """Powers of 1/phi, phi the positive root of phi^(d+1) = phi + 1 (M. Roberts, 2018)."""
    phi = 2.0
    for _ in range(60):
        phi = (1 + phi) ** (1 / (_COUNT + 1))
    return phi ** -np.arange(1.0, _COUNT + 1)


def draw_settings(*purpose: int | str, index: int) -> Settings:
    """Settings of one phantom.

    Parameters
    ----------
    *purpose : int or str
        Seed, use, modality and class.
    index : int
        Number of the phantom.
    """
    shift = generator(*purpose, "settings").random(_COUNT)
    return Settings(*((shift + index * _steps()) % 1).tolist())


def pick(odds: dict, value: float):
    """The key of ``odds`` (whose values sum to 1) that ``value`` in ``[0, 1)`` falls on."""
    keys, steps = list(odds), np.cumsum(list(odds.values()))
    return keys[min(int(np.searchsorted(steps, value, side="right")), len(keys) - 1)]


def show(
    image: np.ndarray, settings: Settings, *, gain: tuple[float, float], gamma: tuple[float, float]
) -> np.ndarray:
    """Apply gain and gamma, clipping between them.

    Parameters
    ----------
    image : (H, W) float32
        Nominally in ``[0, 1]``.
    settings : Settings
    gain, gamma : (low, high)
        Ranges, on a logarithmic scale.

    Returns
    -------
    (H, W) float32 in ``[0, 1]``
    """
    factor = gain[0] * (gain[1] / gain[0]) ** settings.brightness
    power = gamma[0] * (gamma[1] / gamma[0]) ** settings.gamma
    return cv2.pow(np.clip(image * np.float32(factor), 0, 1), power)

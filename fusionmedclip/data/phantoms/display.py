"""How a phantom is shown: brightness, contrast, gamma, noise, sharpness, framing.

The settings of phantom number ``index`` come from an additive recurrence (Roberts' R_d sequence), shifted at
random for each seed, modality and class. Any run of indices therefore covers the whole range evenly in both
classes, which keeps brightness and noise from telling normal from abnormal by the luck of the draw.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fusionmedclip.randomness import generator

__all__ = ["Display", "draw_display", "show"]


@dataclass(frozen=True)
class Display:
    """Each value lies in ``[0, 1)``; a modality maps it to its own range."""

    brightness: float
    contrast: float
    gamma: float
    noise: float
    blur: float
    zoom: float
    protocol: float


_COUNT = len(Display.__dataclass_fields__)


def _steps() -> np.ndarray:
    """Powers of 1/phi, phi the positive root of phi^(d+1) = phi + 1 (M. Roberts, 2018)."""
    phi = 2.0
    for _ in range(60):
        phi = (1 + phi) ** (1 / (_COUNT + 1))
    return phi ** -np.arange(1.0, _COUNT + 1)


def draw_display(*purpose: int | str, index: int) -> Display:
    """Settings of one phantom.

    Parameters
    ----------
    *purpose : int or str
        Seed, use, modality and class.
    index : int
        Number of the phantom.
    """
    shift = generator(*purpose, "display").random(_COUNT)
    return Display(*((shift + index * _steps()) % 1).tolist())


def show(
    image: np.ndarray, display: Display, *, gain: tuple[float, float], gamma: tuple[float, float]
) -> np.ndarray:
    """Apply gain and gamma and clip.

    Parameters
    ----------
    image : (H, W) float32
        Nominally in ``[0, 1]``.
    display : Display
    gain, gamma : (low, high)
        Ranges, on a logarithmic scale.

    Returns
    -------
    (H, W) float32 in ``[0, 1]``
    """
    factor = gain[0] * (gain[1] / gain[0]) ** display.brightness
    power = gamma[0] * (gamma[1] / gamma[0]) ** display.gamma
    return cv2.pow(np.clip(image * np.float32(factor), 0, 1), power)

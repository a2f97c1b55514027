"""Frontal chest radiographs: a healthy chest, or one with an added opacity."""

import cv2
import numpy as np

from fusionmedclip.data.phantoms.chest_anatomy import Chest, chest_coordinates, healthy_chest
from fusionmedclip.data.phantoms.fields import bump, ellipse, ramp, smooth_noise, uniform
from fusionmedclip.data.phantoms.settings import Settings, pick, show

__all__ = ["draw_chest_xray"]

Array = np.ndarray

ODDS = {"consolidation": 0.4, "nodule": 0.3, "effusion": 0.3}

# Automatic exposure draws the mean of a film towards this level.
LEVEL = 0.47


def _opacity(rng: np.random.Generator, chest: Chest, kind: str) -> tuple[Array, dict[str, str]]:
    """Added opacity (0-1) and what it is."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    frame = chest.frame
    draw = {"consolidation": _consolidation, "nodule": _nodule, "effusion": _effusion}[kind]
    across, down = uniform(rng, 0.24, 0.64 * frame.width), uniform(rng, frame.top + 0.32, frame.base - 0.3)
    centre = (side * across, down)
    strength = draw(rng, chest, centre)
    strength = strength * ramp(chest.lung, 0.03) * ramp(-chest.x * side, 0.04)
    zone = "lower" if kind == "effusion" or centre[1] > 0.08 else "upper" if centre[1] < -0.22 else "mid"
    facts = {"kind": kind, "side": "right" if side < 0 else "left", "zone": zone, "detail": ""}
    return strength, facts


def _consolidation(rng: np.random.Generator, chest: Chest, centre: tuple[float, float]) -> Array:
    size, wide = chest.x.shape[0], uniform(rng, 0.17, 0.31)
    distance = ellipse(chest.x, chest.y, centre, (wide, wide * uniform(rng, 0.6, 1.0)), uniform(rng, 0, 180))
    distance = distance + np.float32(wide) * (
        0.25 * smooth_noise(rng, size, 8) + 0.12 * smooth_noise(rng, size, 20)
    )
    airways = bump(smooth_noise(rng, size, 18), 0.2) * np.float32(uniform(rng, 0, 0.3))
    return ramp(distance, 0.14) * (1 - airways)


def _nodule(rng: np.random.Generator, chest: Chest, centre: tuple[float, float]) -> Array:
    radius = uniform(rng, 0.06, 0.12)
    distance = ellipse(
        chest.x, chest.y, centre, (radius, radius * uniform(rng, 0.8, 1.0)), uniform(rng, 0, 180)
    )
    return ramp(distance + np.float32(0.12 * radius) * smooth_noise(rng, chest.x.shape[0], 16), 0.03)


def _effusion(rng: np.random.Generator, chest: Chest, centre: tuple[float, float]) -> Array:
    """Fluid that fills the costophrenic angle and rises along the chest wall (the meniscus)."""
    level = chest.frame.base - uniform(rng, 0.18, 0.48)
    u = np.clip(np.abs(chest.x) / np.float32(chest.frame.width), 0, 1.1)
    rise = np.float32(uniform(rng, 0.15, 0.35)) * u**3 - 0.1
    return ramp(np.float32(level) - rise - chest.y, 0.09)


def draw_chest_xray(
    rng: np.random.Generator, settings: Settings, *, size: int, lesion: bool
) -> tuple[Array, Array, dict[str, str]]:
    """Draw one radiograph.

    Parameters
    ----------
    rng : numpy.random.Generator
    settings : Settings
    size : int
        Side in pixels.
    lesion : bool
        With a consolidation, a nodule or a pleural effusion.

    Returns
    -------
    image : (H, W) float32 in ``[0, 1]``
    mask : (H, W) bool
        Where the added opacity exceeds half of its peak.
    facts : dict
        What was drawn, for the caption.
    """
    chest = chest_coordinates(rng, size, settings)
    image = healthy_chest(rng, chest, settings)
    mask = np.zeros((size, size), bool)
    facts = {"kind": "", "aside": ("shallow" if settings.habitus < 0.5 else "deep") + " inspiration"}
    if lesion:
        strength, found = _opacity(rng, chest, pick(ODDS, settings.finding))
        image, mask = image + np.float32(uniform(rng, 0.2, 0.36)) * strength, strength > 0.5
        facts |= found
    return _exposed(rng, image, settings), mask, facts


def _exposed(rng: np.random.Generator, image: Array, settings: Settings) -> Array:
    """Automatic exposure, limited resolution, quantum noise and display."""
    size = image.shape[0]
    image = image + np.float32(0.6) * (np.float32(LEVEL) - image.mean())
    image = cv2.GaussianBlur(image, (0, 0), size / 224 * (0.4 + 0.7 * settings.blur) + 0.1)
    sigma = np.float32(0.004 + 0.022 * settings.noise)
    image = image + sigma * rng.standard_normal(image.shape, dtype=np.float32)
    image = 0.5 + (image - 0.5) * (0.85 + 0.5 * settings.contrast)
    return show(image, settings, gain=(0.8, 1.3), gamma=(0.65, 1.4))

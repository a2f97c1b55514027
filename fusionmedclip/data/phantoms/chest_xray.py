"""Frontal chest radiographs: what the beam passes adds up, so structures overlap as they do on film."""

import cv2
import numpy as np

from fusionmedclip.data.phantoms.display import Display, show
from fusionmedclip.data.phantoms.fields import (
    bump,
    capsule,
    ellipse,
    plane,
    ramp,
    smooth_noise,
    turned,
    uniform,
)

__all__ = ["draw_chest_xray"]

Array = np.ndarray


def _lungs(rng: np.random.Generator, x: Array, y: Array) -> tuple[Array, Array, dict[str, float]]:
    """Signed distance to the lungs (negative inside), distance below the diaphragm, and their frame."""
    size = x.shape[0]
    top, width = uniform(rng, -0.74, -0.62), uniform(rng, 0.58, 0.7)
    base = uniform(rng, 0.36, 0.6)
    left = np.float32(np.sign(1)) * (x > 0)
    t = np.clip((y - np.float32(top)) / np.float32(base + 0.1 - top), 0, 1)
    lateral = np.float32(width) * np.sqrt(1 - (1 - t) ** np.float32(2.6)) * (1 - 0.06 * t * t)
    lateral = np.where(t > 0, lateral, -0.1)
    medial = np.float32(uniform(rng, 0.09, 0.13)) + 0.05 * np.clip(y + 0.1, 0, 1)
    across = np.abs(x)
    u = np.clip((across - 0.1) / np.float32(width - 0.1), 0, 1.3)
    dome = np.float32(base) - np.float32(uniform(rng, 0.10, 0.2)) * (1 - (u - 0.4) ** 2 / 0.36)
    dome = dome + np.float32(uniform(rng, 0.02, 0.07)) * left
    below = y - dome
    distance = np.maximum.reduce((across - lateral, medial - across, below, np.float32(top) - y))
    distance = distance + np.float32(0.008) * smooth_noise(rng, size, 9)
    return distance, below, {"top": top, "base": base, "width": width}


def _heart(rng: np.random.Generator, x: Array, y: Array, frame: dict[str, float]) -> Array:
    """Thickness of heart, great vessels and mediastinum, 0-1."""
    low = frame["base"] - uniform(rng, 0.1, 0.16)
    reach = uniform(rng, 0.22, 0.33)
    body = ellipse(x, y, (0.4 * reach, low - 0.16), (reach, 0.24), uniform(rng, 25, 45))
    right = ellipse(x, y, (-0.05, low - 0.12), (0.14, 0.2))
    arch = ellipse(x, y, (0.06, frame["top"] + uniform(rng, 0.3, 0.36)), (0.085, 0.09))
    trunk = capsule(x, y, (0.0, -1.0), (0.02, low), (0.1, 0.12))
    soft = ramp(np.minimum(np.minimum(body, right), arch), 0.05)
    return np.maximum(soft, 0.75 * ramp(trunk, 0.06))


def _bones(rng: np.random.Generator, x: Array, y: Array, frame: dict[str, float], body: Array) -> Array:
    """Spine, ribs and clavicles, as thickness."""
    spacing = uniform(rng, 0.135, 0.17)
    across = np.abs(x + np.float32(uniform(rng, -0.02, 0.02)))
    u = across / np.float32(frame["width"])
    cage = (
        ramp(across - frame["width"] * 1.04, 0.05) * ramp(frame["top"] - 0.04 - y, 0.1) * ramp(y - 0.75, 0.3)
    )
    back = (y + 0.10 * np.sin(np.pi * np.clip(u, 0, 1)) - 0.30 * u * u) / np.float32(spacing) + uniform(
        rng, 0, 1
    )
    front = (y + 0.42 * u - 0.1 * u * u) / np.float32(spacing) + uniform(rng, 0, 1)
    posterior = _band(back, 0.21) * np.clip(1.15 - 0.25 * u, 0, 1)
    anterior = _band(front, 0.24) * np.clip((u - 0.3) * 2.2, 0, 1) * 0.55
    ribs = (posterior + anterior) * cage * np.clip((across - 0.06) * 12, 0, 1)
    spine = ramp(across - 0.055, 0.03) * (0.75 + 0.25 * np.cos(y * np.float32(2 * np.pi / 0.13)))
    high = frame["top"] + uniform(rng, 0.06, 0.16)
    clavicle = capsule(across, y, (0.07, high + 0.08), (0.62, high - 0.06), (0.028, 0.022))
    clavicle = clavicle + np.float32(0.02) * np.sin(across * 9)
    humerus = capsule(across, y, (0.82, high), (0.95, high + 0.6), (0.08, 0.06))
    return 0.55 * ribs + 0.9 * spine + 0.75 * ramp(clavicle, 0.02) + 0.9 * ramp(humerus, 0.03) * body


def _band(phase: Array, half: float) -> Array:
    """Ribs across a phase of one rib a unit: brighter at both edges, as tubes are."""
    offset = np.abs(phase - np.round(phase))
    return ramp(offset - half, 0.07) * (0.65 + 0.35 * np.clip(offset / np.float32(half), 0, 1))


def _opacity(
    rng: np.random.Generator, x: Array, y: Array, lung: Array, below: Array, frame: dict[str, float]
):
    """Added opacity, its exact outline, and its kind."""
    size = x.shape[0]
    kind = ("consolidation", "nodule", "effusion")[int(rng.choice(3, p=(0.45, 0.3, 0.25)))]
    side = 1.0 if rng.random() < 0.5 else -1.0
    within = ramp(lung, 0.03)
    facts = {"kind": kind, "side": "right" if side < 0 else "left", "zone": "lower", "detail": ""}
    if kind == "effusion":
        level = frame["base"] - uniform(rng, 0.1, 0.34)
        rise = (
            np.float32(uniform(rng, 0.15, 0.3)) * np.clip((x * side) / np.float32(frame["width"]), 0, 1) ** 3
        )
        strength = ramp(np.float32(level) - rise - y, 0.07) * ramp(-x * side, 0.02) * within
        return strength * np.float32(uniform(rng, 0.75, 1.0)), strength > 0.5, facts
    centre = (side * uniform(rng, 0.24, 0.46), uniform(rng, frame["top"] + 0.3, frame["base"] - 0.2))
    facts["zone"] = "upper" if centre[1] < -0.2 else "mid" if centre[1] < 0.08 else "lower"
    if kind == "nodule":
        radius = uniform(rng, 0.05, 0.1)
        distance = ellipse(x, y, centre, (radius, radius * uniform(rng, 0.85, 1.1)), uniform(rng, 0, 180))
        distance = distance + np.float32(0.1 * radius) * smooth_noise(rng, size, 16)
        strength = ramp(distance, 0.025) * within
        return strength * np.float32(uniform(rng, 0.6, 1.0)), strength > 0.5, facts
    wide = uniform(rng, 0.13, 0.26)
    distance = ellipse(x, y, centre, (wide, wide * uniform(rng, 0.6, 1.0)), uniform(rng, 0, 180))
    distance = distance + np.float32(0.28 * wide) * smooth_noise(rng, size, 9)
    strength = ramp(distance, 0.12) * within
    patchy = np.clip(0.85 + 0.25 * smooth_noise(rng, size, 20), 0.35, 1.2)
    return strength * patchy * np.float32(uniform(rng, 0.6, 1.0)), strength > 0.5, facts


def draw_chest_xray(rng: np.random.Generator, display: Display, *, size: int, lesion: bool):
    """Draw one radiograph.

    Parameters
    ----------
    rng : numpy.random.Generator
    display : Display
    size : int
        Side in pixels.
    lesion : bool
        With a consolidation, a nodule or a pleural effusion.

    Returns
    -------
    image : (H, W) float32 in ``[0, 1]``
    mask : (H, W) bool
    caption : str
    """
    x, y = plane(size)
    zoom = np.float32(0.92 + 0.26 * display.zoom)
    x, y = turned(
        (x - uniform(rng, -0.06, 0.06)) * zoom, (y - uniform(rng, -0.06, 0.06)) * zoom, uniform(rng, -5, 5)
    )
    wobble = np.float32(0.012)
    x, y = x + wobble * smooth_noise(rng, size, 5), y + wobble * smooth_noise(rng, size, 5)
    lung, below, frame = _lungs(rng, x, y)
    torso = ellipse(x, y, (0.0, 0.35), (uniform(rng, 0.8, 0.95), 1.25))
    neck = capsule(x, y, (0.0, -1.4), (0.0, -0.7), (0.22, 0.24))
    shoulder = capsule(np.abs(x), y, (0.2, -0.68), (0.9, frame["top"] + 0.3), (0.14, 0.24))
    arm = capsule(np.abs(x), y, (0.88, frame["top"] + 0.3), (1.05, 0.5), (0.22, 0.18))
    body = ramp(np.minimum.reduce((torso, neck, shoulder, arm)), 0.06)
    air = ramp(lung, 0.035)
    hila = np.exp(-((np.abs(x) - 0.2) ** 2 / 0.03 + (y - np.float32(frame["top"] + 0.55)) ** 2 / 0.06))
    vessels = bump(smooth_noise(rng, size, 22), 0.35) + 0.7 * bump(smooth_noise(rng, size, 40), 0.4)
    breast = bump(np.minimum(ellipse(np.abs(x), y, (0.42, 0.3), (0.26, 0.22)), 0.0) - 0.0, 1.0) * ramp(
        ellipse(np.abs(x), y, (0.42, 0.3), (0.26, 0.24)), 0.1
    )
    soft = 0.62 * body - uniform(rng, 0.36, 0.46) * air * body
    soft = soft + uniform(rng, 0.10, 0.2) * _heart(rng, x, y, frame) + uniform(rng, 0, 0.07) * breast * body
    soft = soft + 0.10 * ramp(-below, 0.05) * body
    soft = soft + air * (0.035 + uniform(rng, 0.05, 0.14) * hila) * vessels + 0.07 * hila * air
    image = soft + uniform(rng, 0.12, 0.2) * _bones(rng, x, y, frame, body)
    image = image + 0.02 * smooth_noise(rng, size, 4) * body
    mask = np.zeros((size, size), bool)
    facts = {"kind": ""}
    if lesion:
        added, mask, facts = _opacity(rng, x, y, lung, below, frame)
        image = image + uniform(rng, 0.2, 0.34) * added
    image = cv2.GaussianBlur(image, (0, 0), size / 224 * (0.4 + 0.7 * display.blur) + 0.1)
    image = image + np.float32(0.004 + 0.025 * display.noise) * rng.standard_normal(
        image.shape, dtype=np.float32
    )
    level = 0.5 + (image - 0.5) * (0.8 + 0.45 * display.contrast)
    return show(level, display, gain=(0.75, 1.3), gamma=(0.65, 1.35)), mask, facts

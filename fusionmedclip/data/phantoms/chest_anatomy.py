"""A healthy chest in frontal view, as attenuation that adds up along the beam.

Structures overlap as they do on film: ribs and vessels show through the heart and through each other.
"""

from dataclasses import dataclass

import numpy as np

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
from fusionmedclip.data.phantoms.settings import Settings

__all__ = ["Chest", "Frame", "chest_coordinates", "healthy_chest"]

Array = np.ndarray


@dataclass(frozen=True)
class Frame:
    """Where the lungs end, in units of half the picture's side, y downwards."""

    top: float
    base: float
    width: float


@dataclass(frozen=True)
class Chest:
    """Coordinates of a chest, signed distance to its lungs and to the diaphragm (negative inside, above)."""

    x: Array
    y: Array
    lung: Array
    below: Array
    frame: Frame


def _pose(rng: np.random.Generator, size: int, settings: Settings) -> tuple[Array, Array]:
    x, y = plane(size)
    zoom = np.float32(0.78 + 0.24 * settings.zoom)
    x, y = (x - uniform(rng, -0.06, 0.06)) * zoom, (y - uniform(rng, -0.06, 0.06)) * zoom
    x, y = turned(x, y, uniform(rng, -5, 5))
    wobble = np.float32(0.012)
    return x + wobble * smooth_noise(rng, size, 5), y + wobble * smooth_noise(rng, size, 5)


def chest_coordinates(rng: np.random.Generator, size: int, settings: Settings) -> Chest:
    """Place a chest in the picture and shape its lungs."""
    x, y = _pose(rng, size, settings)
    frame = Frame(uniform(rng, -0.8, -0.64), 0.34 + 0.28 * settings.habitus, uniform(rng, 0.55, 0.73))
    across, width = np.abs(x), np.float32(frame.width)
    t = np.clip((y - np.float32(frame.top)) / np.float32(frame.base + 0.1 - frame.top), 0, 1)
    lateral = width * np.sqrt(1 - (1 - t) ** np.float32(2.3)) * (1 - 0.05 * t * t)
    medial = np.float32(uniform(rng, 0.07, 0.11)) + 0.05 * np.clip(y + 0.1, 0, 1)
    u = np.clip((across - 0.1) / (width - 0.1), 0, 1.25)
    dome = np.float32(frame.base) - np.float32(uniform(rng, 0.12, 0.24)) * (1 - (u - 0.35) ** 2 / 0.42)
    below = y - dome - np.float32(uniform(rng, 0.02, 0.07)) * (x > 0)
    distance = np.maximum.reduce((across - lateral, medial - across, below, np.float32(frame.top) - y))
    distance = distance + np.float32(0.01) * smooth_noise(rng, x.shape[0], 9)
    return Chest(x, y, distance, below, frame)


def _body(rng: np.random.Generator, chest: Chest, build: float) -> Array:
    """Thickness of the soft outline: trunk, neck, shoulders and arms."""
    across, y, top = np.abs(chest.x), chest.y, chest.frame.top
    wide = chest.frame.width + 0.06 + 0.3 * build
    trunk = np.maximum(across - np.float32(wide) - 0.08 * np.clip(y, 0, 1), np.float32(top + 0.18) - y)
    neck = capsule(across, y, (0.0, -1.5), (0.0, -0.6), (0.24, 0.3))
    shoulder = capsule(across, y, (0.15, top + 0.04), (0.95, top + uniform(rng, 0.25, 0.45)), (0.16, 0.2))
    parts: tuple[Array, ...] = (trunk, neck, shoulder)
    if build > 0.3:
        parts += (capsule(across, y, (0.98, top + 0.35), (1.1, 0.6), (0.2, 0.16)),)
    return ramp(np.minimum.reduce(parts), 0.07)


def _heart(rng: np.random.Generator, chest: Chest) -> Array:
    """Thickness of heart, aortic arch and mediastinum, 0-1."""
    x, y, frame = chest.x, chest.y, chest.frame
    low, reach = frame.base - uniform(rng, 0.06, 0.12), uniform(rng, 0.26, 0.4)
    left = ellipse(x, y, (0.36 * reach, low - 0.2), (1.05 * reach, 0.25), uniform(rng, 28, 48))
    right = ellipse(x, y, (-0.06, low - 0.16), (uniform(rng, 0.12, 0.17), 0.23))
    arch = ellipse(x, y, (0.07, frame.top + uniform(rng, 0.34, 0.42)), (0.085, 0.09))
    trunk = capsule(x, y, (0.0, -0.9), (0.02, low), (0.08, 0.13))
    soft = ramp(np.minimum(np.minimum(left, right), np.minimum(arch, trunk)), 0.07)
    airway = capsule(x, y, (0.0, -1.2), (0.015, frame.top + 0.42), (0.035, 0.035))
    return soft * (0.25 + 0.75 * ramp(chest.below, 0.06)) - 0.35 * ramp(airway, 0.03)


def _bones(rng: np.random.Generator, chest: Chest) -> Array:
    """Spine, ribs, clavicles and shoulder blades, as thickness."""
    across, y, frame = np.abs(chest.x), chest.y, chest.frame
    spacing = np.float32(uniform(rng, 0.15, 0.19))
    u = np.clip(across / np.float32(frame.width), 0, 1.1)
    cage = ramp(across - frame.width * 1.02, 0.05) * ramp(frame.top - 0.02 - y, 0.1) * ramp(y - 0.8, 0.5)
    back = (y + 0.12 * np.sin(np.float32(2.6) * u) - 0.34 * u**3) / spacing + uniform(rng, 0, 1)
    front = (y + 0.55 * u - 0.12 * u * u) / (1.08 * spacing) + uniform(rng, 0, 1)
    posterior = _band(back, 0.2) * (1 - 0.2 * u)
    anterior = _band(front, 0.2) * np.clip((u - 0.45) * 2.5, 0, 1) * np.float32(uniform(rng, 0.2, 0.5))
    ribs = (posterior + anterior) * cage * np.clip((across - 0.05) * 10, 0, 1)
    discs = 0.7 + 0.3 * np.cos(y * np.float32(2 * np.pi / 0.15))
    spine = ramp(across - 0.06, 0.04) * discs * np.float32(uniform(rng, 0.3, 0.8))
    high = frame.top + uniform(rng, 0.1, 0.2)
    bend = np.float32(0.03) * np.sin(across * 8)
    clavicle = capsule(across, y + bend, (0.08, high + 0.06), (0.66, high - 0.08), (0.03, 0.022))
    blade = capsule(across, y, (0.66, high + 0.05), (0.62, high + 0.6), (0.1, 0.02))
    humerus = capsule(across, y, (0.92, high + 0.1), (1.05, high + 0.8), (0.09, 0.06))
    return (
        0.5 * ribs + spine + 0.7 * ramp(clavicle, 0.025) + 0.3 * ramp(blade, 0.05) + 0.6 * ramp(humerus, 0.03)
    )


def _band(phase: Array, half: float) -> Array:
    """Ribs across a phase of one rib a unit: brighter at both edges, as tubes are."""
    offset = np.abs(phase - np.round(phase))
    return ramp(offset - np.float32(half), 0.12) * (0.7 + 0.3 * np.clip(offset / np.float32(half), 0, 1))


def _lung_markings(rng: np.random.Generator, chest: Chest) -> Array:
    """Vessels, densest at the hila and fading outwards."""
    size = chest.x.shape[0]
    height = np.float32(chest.frame.top + uniform(rng, 0.5, 0.62))
    hila = np.exp(-((np.abs(chest.x) - 0.2) ** 2 / 0.035 + (chest.y - height) ** 2 / 0.07))
    lines = bump(smooth_noise(rng, size, 20), 0.3) + 0.7 * bump(smooth_noise(rng, size, 38), 0.35)
    strength = 0.02 + np.float32(uniform(rng, 0.05, 0.13)) * hila
    return strength * lines + np.float32(uniform(rng, 0.04, 0.12)) * hila


def _breasts(rng: np.random.Generator, chest: Chest) -> Array:
    """Soft shadows over both lower zones, in about half of the pictures."""
    strength = np.float32(uniform(rng, 0.04, 0.18) if rng.random() < 0.5 else 0.0)
    centre, radii = (uniform(rng, 0.36, 0.46), uniform(rng, 0.12, 0.3)), (0.27, uniform(rng, 0.2, 0.28))
    return strength * ramp(ellipse(np.abs(chest.x), chest.y, centre, radii), 0.12)


def healthy_chest(rng: np.random.Generator, chest: Chest, settings: Settings) -> Array:
    """Display level of a healthy chest, (H, W) float32, nominally 0-1."""
    size = chest.x.shape[0]
    body, air = _body(rng, chest, settings.build), ramp(chest.lung, 0.04)
    soft = uniform(rng, 0.5, 0.62) * body - (0.18 + 0.25 * settings.protocol) * air * body
    soft = soft + uniform(rng, 0.16, 0.26) * _heart(rng, chest) * body
    soft = soft + 0.14 * ramp(-chest.below, 0.05) * ramp(np.abs(chest.x) - chest.frame.width, 0.12)
    if rng.random() < 0.4:
        bubble = (uniform(rng, 0.2, 0.34), chest.frame.base + uniform(rng, 0.06, 0.16))
        soft = soft - 0.12 * ramp(ellipse(chest.x, chest.y, bubble, (0.12, 0.07)), 0.05)
    soft = soft + (_lung_markings(rng, chest) + _breasts(rng, chest)) * air
    soft = soft + np.float32(uniform(rng, 0.14, 0.22)) * _bones(rng, chest) * body
    return soft + 0.03 * smooth_noise(rng, size, 4) * body

"""Breast ultrasound: skin, fat, glandular tissue, muscle and chest wall, seen through speckle.

Echo strength is composed in decibels. Attenuation is summed along the beam, so that posterior shadow or
enhancement follows from what the beam has passed.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fusionmedclip.data.phantoms.fields import bump, ellipse, plane, ramp, smooth_noise, uniform
from fusionmedclip.data.phantoms.settings import Settings, pick, show
from fusionmedclip.data.phantoms.speckle import speckle

__all__ = ["draw_breast_ultrasound"]

Array = np.ndarray


@dataclass(frozen=True)
class Kind:
    """Ranges for one kind of mass: lengths in picture widths, echo in dB, loss in dB per unit depth."""

    name: str
    width: tuple[float, float]
    aspect: tuple[float, float]
    lumps: float
    margin: float
    echo: tuple[float, float]
    texture: float
    halo: bool
    loss: tuple[float, float]


# Descriptors after the BI-RADS ultrasound lexicon: shape, margin, echo pattern, posterior features.
CYST, FIBROADENOMA, CARCINOMA = (
    Kind("cyst", (0.06, 0.15), (0.6, 0.95), 0.05, 0.012, (-42, -32), 0.5, False, (-45, -15)),
    Kind("fibroadenoma", (0.08, 0.18), (0.45, 0.75), 0.10, 0.02, (-27, -20), 1.5, False, (-30, 5)),
    Kind("carcinoma", (0.07, 0.16), (0.75, 1.2), 0.22, 0.035, (-32, -22), 2.0, True, (10, 60)),
)


ODDS = {CYST: 0.25, FIBROADENOMA: 0.35, CARCINOMA: 0.4}

# Mean echo in dB that the scanner's automatic gain settles on.
LEVEL = -26.0


@dataclass(frozen=True)
class Breast:
    """Echo strength (dB), and the depths where the glandular layer begins and ends."""

    echo: Array
    top: float
    bottom: float


@dataclass(frozen=True)
class Mass:
    """Picture with a mass in it (dB), what the mass takes from the beam, and its outline."""

    kind: Kind
    centre: tuple[float, float]
    echo: Array
    loss: Array
    outline: Array


def _strands(rng: np.random.Generator, size: int, cells: tuple[int, int], width: float) -> Array:
    """Curved lines where a smooth field crosses zero, brightest where they lie across the beam."""
    field = smooth_noise(rng, size, cells)
    return bump(field, width) * _across_beam(field)


def _across_beam(field: Array) -> Array:
    """How squarely the level lines of a field face the transducer, 0-1: a specular echo's strength."""
    down = cv2.Sobel(field, cv2.CV_32F, 0, 1, ksize=3)
    along = cv2.Sobel(field, cv2.CV_32F, 1, 0, ksize=3)
    return down * down / (down * down + along * along + np.float32(1e-9))


def _breast(rng: np.random.Generator, x: Array, z: Array, settings: Settings) -> Breast:
    """A healthy breast."""
    size = x.shape[0]
    skin = uniform(rng, 0.02, 0.045)
    top = skin + 0.05 + 0.2 * settings.build
    bottom = top + 0.2 + 0.22 * settings.habitus
    muscle = bottom + uniform(rng, 0.03, 0.12)
    wall = muscle + uniform(rng, 0.1, 0.2)
    depth = z + np.float32(0.03) * smooth_noise(rng, size, (4, 5)) * np.clip(z * 6, 0, 1)
    depth = depth + np.float32(uniform(rng, -0.1, 0.1)) * (x - 0.5) * np.clip(z * 4, 0, 1)
    fat, gland, deep = uniform(rng, -24, -17), uniform(rng, -13, -7), uniform(rng, -30, -22)
    soft = uniform(rng, 0.01, 0.05)
    layers = (
        (0.0, -12.0),
        (0.006, -6.0),
        (skin, -10.0),
        (skin + 0.012, fat),
        (top - soft, fat),
        (top + soft, gland),
        (bottom - soft, gland - 1),
        (bottom + soft, fat),
        (muscle, fat - 1),
        (muscle + 0.02, fat - 2),
        (wall, fat - 4),
        (wall + 0.06, deep),
    )
    at, level = zip(*layers, strict=True)
    echo = np.interp(depth, at, level).astype(np.float32)

    in_gland = ramp(np.maximum(top - depth, depth - bottom), 0.06)
    in_fat = ramp(np.maximum(skin + 0.01 - depth, depth - top), 0.03)
    in_muscle = ramp(muscle - depth, 0.03)
    texture = 2.0 * smooth_noise(rng, size, (30, 12)) + 2.2 * smooth_noise(rng, size, (9, 6))
    islands = ramp(0.6 - smooth_noise(rng, size, (14, 7)), 0.6) * uniform(rng, 0, 9)
    echo += in_gland * (texture - islands + 5 * _strands(rng, size, (24, 6), 0.3))
    echo += in_fat * (8 * _strands(rng, size, (7, 5), 0.22) + 5 * _strands(rng, size, (16, 7), 0.2))
    echo += in_muscle * (8 * _strands(rng, size, (40, 4), 0.35) + 2 * smooth_noise(rng, size, (10, 5)))
    echo += 1.2 * smooth_noise(rng, size, (34, 20))
    lines = 5 * bump(depth - top, 0.012) + 11 * bump(depth - muscle, 0.012) + 12 * bump(depth - wall, 0.014)
    echo += lines * np.clip(0.5 + 0.5 * smooth_noise(rng, size, (4, 8)), 0, 1)
    return Breast(_lobules(rng, x, z, echo, top, bottom), top, bottom)


def _lobules(rng: np.random.Generator, x: Array, z: Array, echo: Array, top: float, bottom: float) -> Array:
    """Encapsulated fat lobules, darker than gland, in both classes: the look-alike of a mass."""
    for _ in range(int(rng.integers(0, 5))):
        centre = (uniform(rng, 0.05, 0.95), uniform(rng, top - 0.04, bottom))
        wide = uniform(rng, 0.06, 0.16)
        distance = ellipse(x, z, centre, (wide, wide * uniform(rng, 0.3, 0.65)), uniform(rng, -20, 20))
        distance = distance + np.float32(0.012) * smooth_noise(rng, x.shape[0], 9)
        level = np.float32(uniform(rng, -25, -16))
        echo = echo + (level - echo) * ramp(distance, 0.035) * np.float32(uniform(rng, 0.6, 1.0))
        echo = echo + 6 * bump(distance - 0.006, 0.012) * _across_beam(distance)
    return echo


def _mass(rng: np.random.Generator, x: Array, z: Array, breast: Breast, kind: Kind) -> Mass:
    """Put a mass into a healthy breast."""
    size, echo, top, bottom = x.shape[0], breast.echo, breast.top, breast.bottom
    centre = (uniform(rng, 0.2, 0.8), uniform(rng, top + 0.03, 0.35 * top + 0.65 * bottom))
    wide = uniform(rng, *kind.width)
    tall = wide * uniform(rng, *kind.aspect)
    distance = ellipse(x, z, centre, (wide, tall), uniform(rng, -15, 15))
    lumps = np.float32(kind.lumps * min(wide, tall))
    distance = distance + lumps * (smooth_noise(rng, size, 10) + 0.5 * smooth_noise(rng, size, 26))
    inside = ramp(distance, kind.margin)
    inner = uniform(rng, *kind.echo) + kind.texture * smooth_noise(rng, size, 22)
    echo = echo + (inner - echo) * inside
    if kind.halo:
        patchy = np.clip(0.5 + 0.5 * smooth_noise(rng, size, 12), 0, 1)
        echo = echo + 6 * bump(distance - 0.03, 0.035) * patchy
    else:
        echo = echo + 9 * bump(distance - 0.004, 0.012) * _across_beam(distance)
    return Mass(kind, centre, echo, inside * np.float32(uniform(rng, *kind.loss)), distance < 0)


def _shadows(rng: np.random.Generator, size: int, z: Array) -> Array:
    """Loss (dB per unit depth) below ligaments, ducts and poor contact, in both classes."""
    bands = np.clip(smooth_noise(rng, size, (3, 7)) - 0.5, 0, None) * np.float32(uniform(rng, 0, 80))
    return bands * ramp(np.float32(uniform(rng, 0.0, 0.4)) - z, 0.2)


def _scanned(rng: np.random.Generator, echo: Array, settings: Settings) -> Array:
    """Speckle, logarithmic compression, smoothing and electronic noise."""
    span = 46 + 18 * settings.contrast
    decibels = speckle(rng, echo, looks=4 - int(3 * settings.noise), spread=0.7 + 0.8 * settings.blur)
    image: Array = (decibels + np.float32(span - 7)) / np.float32(span)
    image = cv2.GaussianBlur(image, (0, 0), 0.3 + echo.shape[0] / 224 * 0.75 * settings.blur)
    image = image + np.float32(0.05 * settings.noise) * rng.standard_normal(image.shape, dtype=np.float32)
    return show(image, settings, gain=(0.68, 1.35), gamma=(1.0, 2.0))


def draw_breast_ultrasound(
    rng: np.random.Generator, settings: Settings, *, size: int, lesion: bool
) -> tuple[Array, Array, dict[str, str]]:
    """Draw one picture.

    Parameters
    ----------
    rng : numpy.random.Generator
    settings : Settings
    size : int
        Side in pixels.
    lesion : bool
        With a cyst, a fibroadenoma or a carcinoma.

    Returns
    -------
    image : (H, W) float32 in ``[0, 1]``
    mask : (H, W) bool
        The mass, without its halo, shadow or enhancement.
    facts : dict
        What was drawn, for the caption.
    """
    x, y = plane(size)
    field = np.float32(0.75 + 0.3 * settings.zoom)
    x, z = (x * field + 1) / 2, (y + 1) / 2 * field
    breast = _breast(rng, x, z, settings)
    echo, loss = breast.echo, _shadows(rng, size, z)
    mass = _mass(rng, x, z, breast, pick(ODDS, settings.finding)) if lesion else None
    if mass is not None:
        echo, loss = mass.echo, loss + mass.loss
    loss = np.cumsum(loss, axis=0, dtype=np.float32) * (field / size)
    loss = cv2.GaussianBlur(loss, (0, 0), sigmaX=0.012 * size, sigmaY=0.3)
    echo = echo - loss - np.float32(2 + 20 * settings.protocol) * z
    echo += np.float32(0.5) * (np.float32(LEVEL) - echo.mean())
    mask = np.zeros((size, size), bool) if mass is None else mass.outline
    return _scanned(rng, echo, settings), mask, _facts(settings, mass)


def _facts(settings: Settings, mass: Mass | None) -> dict[str, str]:
    fat = "thick" if settings.build > 0.5 else "thin"
    facts = {"kind": "", "aside": f"{fat} subcutaneous fat"}
    if mass is None:
        return facts
    detail = {CYST: " with posterior enhancement", CARCINOMA: " with posterior shadowing"}.get(mass.kind, "")
    place = "left" if mass.centre[0] < 0.5 else "right"
    return facts | {"kind": mass.kind.name, "detail": f"{detail}, {place} half of the image"}

"""Breast ultrasound: skin, fat, glandular tissue, muscle, chest wall, seen through fully developed speckle.

Echo strength is composed in decibels; each look is a complex Gaussian field of scatterers blurred by a point
spread function that widens with depth, whose envelope is Rayleigh distributed (Wagner et al., 1983); looks
are averaged as in spatial compounding and compressed logarithmically. Attenuation is summed along the beam,
so that posterior shadow or enhancement follows from what the beam has passed.
"""

import cv2
import numpy as np

from fusionmedclip.data.phantoms.display import Display, show
from fusionmedclip.data.phantoms.fields import bump, ellipse, plane, ramp, smooth_noise, turned, uniform

__all__ = ["draw_breast_ultrasound"]

Array = np.ndarray


def _septa(rng: np.random.Generator, size: int, cells: tuple[int, int], width: float) -> Array:
    """Thin curved lines: where a smooth field crosses zero."""
    return bump(smooth_noise(rng, size, cells), width)


def _tissue(rng: np.random.Generator, x: Array, z: Array) -> tuple[Array, float, float]:
    """Echo strength (dB) of a healthy breast; top and bottom depth of the glandular layer."""
    size = x.shape[0]
    skin = uniform(rng, 0.025, 0.05)
    top = skin + uniform(rng, 0.06, 0.26)
    bottom = top + uniform(rng, 0.2, 0.4)
    muscle = bottom + uniform(rng, 0.03, 0.12)
    wall = muscle + uniform(rng, 0.1, 0.2)
    depth = z + np.float32(0.03) * smooth_noise(rng, size, (4, 5)) * np.clip(z * 6, 0, 1)
    depth = depth + np.float32(uniform(rng, -0.06, 0.06)) * (x - 0.5) * np.clip(z * 4, 0, 1)
    fat, gland = uniform(rng, -24, -18), uniform(rng, -12, -7)
    knots = [
        0,
        0.006,
        skin,
        skin + 0.01,
        top - 0.02,
        top + 0.02,
        bottom - 0.02,
        bottom + 0.02,
        muscle,
        muscle + 0.02,
        wall,
        wall + 0.03,
    ]
    levels = [-8, -3, -6, fat, fat, gland, gland - 1, fat, fat - 1, -22, -23, -32]
    echo = np.interp(depth, knots, levels).astype(np.float32)

    in_gland = ramp(np.maximum(top - depth, depth - bottom), 0.05)
    in_fat = ramp(np.maximum(skin + 0.01 - depth, depth - top), 0.03)
    in_muscle = ramp(np.maximum(muscle - depth, depth - wall), 0.03)
    texture = 2.2 * smooth_noise(rng, size, (26, 14)) + 2.0 * smooth_noise(rng, size, (9, 6))
    islands = ramp(0.75 - smooth_noise(rng, size, (11, 7)), 0.5) * uniform(rng, 0, 11)
    echo += in_gland * (texture - islands)
    echo += 9 * in_fat * _septa(rng, size, (6, 6), 0.22) + 1.2 * smooth_noise(rng, size, (30, 20))
    echo += 6 * in_gland * _septa(rng, size, (12, 5), 0.25)
    echo += 8 * in_muscle * _septa(rng, size, (40, 4), 0.35)
    lines = bump(depth - top, 0.012) * 6 + bump(depth - muscle, 0.012) * 12 + bump(depth - wall, 0.014) * 13
    return echo + lines * (0.7 + 0.3 * smooth_noise(rng, size, (4, 8))), top, bottom


def _lobules(rng: np.random.Generator, x: Array, z: Array, echo: Array, top: float, bottom: float) -> Array:
    """Encapsulated fat lobules, darker than gland, in both classes: the look-alike of a mass."""
    for _ in range(int(rng.integers(0, 4))):
        centre = (uniform(rng, 0.1, 0.9), uniform(rng, top - 0.04, bottom))
        wide = uniform(rng, 0.05, 0.15)
        distance = ellipse(x, z, centre, (wide, wide * uniform(rng, 0.3, 0.55)), uniform(rng, -20, 20))
        distance = distance + np.float32(0.006) * smooth_noise(rng, x.shape[0], 9)
        level = np.float32(uniform(rng, -21, -16))
        echo = echo + (level - echo) * ramp(distance, 0.03) * 0.85
        echo = echo + 7 * bump(distance - 0.008, 0.012)
    return echo


def _mass(rng: np.random.Generator, x: Array, z: Array, echo: Array, top: float, bottom: float):
    """Put a mass in; return echo strength, extra attenuation (dB per unit depth), outline, kind."""
    size = x.shape[0]
    kind = ("cyst", "fibroadenoma", "carcinoma")[int(rng.choice(3, p=(0.25, 0.35, 0.4)))]
    centre = (uniform(rng, 0.22, 0.78), uniform(rng, top + 0.02, 0.4 * top + 0.6 * bottom))
    wide = uniform(rng, 0.07, 0.16)
    tall = wide * (uniform(rng, 0.75, 1.15) if kind == "carcinoma" else uniform(rng, 0.5, 0.8))
    distance = ellipse(x, z, centre, (wide, tall), uniform(rng, -15, 15))
    lumps = {"cyst": 0.05, "fibroadenoma": 0.1, "carcinoma": 0.28}[kind] * min(wide, tall)
    distance = distance + np.float32(lumps) * smooth_noise(rng, size, 10)
    if kind == "carcinoma":
        distance = distance + np.float32(0.5 * lumps) * smooth_noise(rng, size, 26)
    inside = ramp(distance, 0.012 if kind == "cyst" else 0.025)
    level = {"cyst": (-46, -36), "fibroadenoma": (-27, -20), "carcinoma": (-32, -23)}[kind]
    inner = uniform(rng, *level) + (1.5 if kind != "cyst" else 0.5) * smooth_noise(rng, size, 22)
    echo = echo + (inner - echo) * inside
    if kind == "carcinoma":
        echo = echo + 6 * bump(distance - 0.025, 0.03) * (0.6 + 0.4 * smooth_noise(rng, size, 12))
    else:
        echo = echo + 6 * bump(distance - 0.004, 0.012)
    passing = {"cyst": (-45, -25), "fibroadenoma": (-30, 5), "carcinoma": (30, 90)}[kind]
    return echo, inside * np.float32(uniform(rng, *passing)), distance < 0, kind


def _speckle(rng: np.random.Generator, echo: Array, looks: int) -> Array:
    """Compounded envelope in dB; the lateral point spread doubles from top to bottom."""
    size = echo.shape[0]
    amplitude = np.exp(echo * np.float32(np.log(10) / 20))
    axial, near, far = (max(s * size, 0.45) for s in (0.0022, 0.0036, 0.007))
    weight = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    power = np.zeros_like(echo)
    for _ in range(looks):
        for part in rng.standard_normal((2, size, size), dtype=np.float32):
            scatter = part * amplitude
            sharp, broad = (cv2.GaussianBlur(scatter, (0, 0), sigmaX=s, sigmaY=axial) for s in (near, far))
            blurred = (
                sharp * np.float32(np.sqrt(near)) * (1 - weight) + broad * np.float32(np.sqrt(far)) * weight
            )
            power += blurred * blurred
    power *= np.float32(4 * np.pi * axial / looks)
    return np.float32(10 / np.log(10)) * np.log(power + np.float32(1e-9))


def draw_breast_ultrasound(rng: np.random.Generator, display: Display, *, size: int, lesion: bool):
    """Draw one picture.

    Parameters
    ----------
    rng : numpy.random.Generator
    display : Display
    size : int
        Side in pixels.
    lesion : bool
        With a cyst, a fibroadenoma or a carcinoma.

    Returns
    -------
    image : (H, W) float32 in ``[0, 1]``
    mask : (H, W) bool
        The mass, without its shadow or rim.
    caption : str
    """
    x, y = plane(size)
    field = np.float32(0.75 + 0.35 * display.zoom)
    x, z = (x * field + 1) / 2, (y + 1) / 2 * field
    x, _ = turned(x - 0.5, z, 0.0)
    x = x + np.float32(0.5)
    echo, top, bottom = _tissue(rng, x, z)
    echo = _lobules(rng, x, z, echo, top, bottom)
    mask, passing = np.zeros((size, size), bool), np.zeros((size, size), np.float32)
    kind = ""
    if lesion:
        echo, passing, mask, kind = _mass(rng, x, z, echo, top, bottom)
    bands = np.clip(smooth_noise(rng, size, (1, 10)) - 0.6, 0, None) * np.float32(uniform(rng, 0, 22))
    loss = np.cumsum(passing + bands, axis=0, dtype=np.float32) * (field / size)
    loss = cv2.blur(loss, (max(3, size // 40) | 1, 1))
    slope = uniform(rng, 2, 20)
    decibels = _speckle(rng, echo - loss - slope * z, int(rng.integers(1, 4)))
    span = 46 + 18 * display.contrast
    image = (decibels + np.float32(span - 4)) / np.float32(span)
    image = cv2.GaussianBlur(image, (0, 0), 0.3 + size / 224 * 0.5 * display.blur)
    image = image + np.float32(0.03 * display.noise) * rng.standard_normal(image.shape, dtype=np.float32)
    side = "right" if rng.random() < 0.5 else "left"
    detail = {"cyst": " with posterior enhancement", "carcinoma": " with posterior shadowing"}.get(kind, "")
    facts = {"kind": kind, "side": side, "detail": detail}
    return show(image, display, gain=(0.7, 1.25), gamma=(0.9, 1.9)), mask, facts

"""Building blocks shared by the phantoms: coordinates, smooth random fields, soft shapes.

Every random field is drawn on a coarse grid whose size does not depend on the picture's, so that one draw
shows the same anatomy at every size; only pixel noise is drawn at the picture's own size.
"""

from collections.abc import Sequence

import cv2
import numpy as np

__all__ = [
    "bump",
    "capsule",
    "ellipse",
    "plane",
    "ramp",
    "resampled_noise",
    "smooth_noise",
    "turned",
    "uniform",
]

Array = np.ndarray


def plane(size: int) -> tuple[Array, Array]:
    """Pixel centres of a square picture, x to the right and y downwards.

    Parameters
    ----------
    size : int
        Side in pixels.

    Returns
    -------
    x, y : (H, W) float32
        In ``(-1, 1)``; the side is two units.
    """
    axis = ((np.arange(size) + 0.5) * (2 / size) - 1).astype(np.float32)
    x, y = np.meshgrid(axis, axis)
    return x, y


def turned(x: Array, y: Array, degrees: float) -> tuple[Array, Array]:
    """Coordinates along axes turned by ``degrees``."""
    c, s = np.float32(np.cos(np.deg2rad(degrees))), np.float32(np.sin(np.deg2rad(degrees)))
    return c * x + s * y, c * y - s * x


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """One Python float, so that float32 arrays stay float32."""
    return float(rng.uniform(low, high))


def smooth_noise(rng: np.random.Generator, size: int, cells: int | tuple[int, int]) -> Array:
    """Smooth field of about zero mean and unit deviation.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : int
        Side of the result in pixels.
    cells : int or (rows, columns)
        Independent values down and across; more cells, finer detail.

    Returns
    -------
    (H, W) float32
    """
    shape = (cells, cells) if isinstance(cells, int) else cells
    grid = rng.standard_normal(shape, dtype=np.float32)
    return cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)


def resampled_noise(rng: np.random.Generator, across: Array, down: Array, cells: tuple[int, int]) -> Array:
    """Smooth field read at given coordinates, periodic in both.

    Parameters
    ----------
    rng : numpy.random.Generator
    across, down : (H, W) float32
        Coordinates, one period a unit.
    cells : (rows, columns)
        Independent values in one period.

    Returns
    -------
    (H, W) float32
        About zero mean and unit deviation.
    """
    grid = rng.standard_normal(cells, dtype=np.float32)
    return cv2.remap(grid, across * cells[1], down * cells[0], cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)


def ramp(distance: Array, width: float) -> Array:
    """Soft membership: 1 well inside (negative distance), 0 well outside, smoothstep over ``width``."""
    s = np.clip(0.5 - distance / np.float32(width), 0, 1)
    return s * s * (3 - 2 * s)


def bump(distance: Array, width: float) -> Array:
    """Bell of height 1 at distance 0 that is zero beyond ``width``."""
    s = np.clip(1 - (distance / np.float32(width)) ** 2, 0, 1)
    return s * s


def ellipse(
    x: Array, y: Array, centre: Sequence[float], radii: Sequence[float], degrees: float = 0.0
) -> Array:
    """Approximate signed distance to an ellipse, negative inside, in the units of x and y."""
    u, v = turned(x - np.float32(centre[0]), y - np.float32(centre[1]), degrees)
    u, v = u * np.float32(1 / radii[0]), v * np.float32(1 / radii[1])
    return (np.sqrt(u * u + v * v) - 1) * np.float32(min(radii))


def capsule(
    x: Array, y: Array, start: Sequence[float], end: Sequence[float], radii: Sequence[float]
) -> Array:
    """Signed distance to a thick segment whose radius runs from ``radii[0]`` to ``radii[1]``."""
    dx, dy = float(end[0] - start[0]), float(end[1] - start[1])
    px: Array = x - np.float32(start[0])
    py: Array = y - np.float32(start[1])
    t = np.clip((px * dx + py * dy) / np.float32(dx * dx + dy * dy), 0, 1)
    px, py = px - t * dx, py - t * dy
    return np.sqrt(px * px + py * py) - (np.float32(radii[0]) + t * np.float32(radii[1] - radii[0]))

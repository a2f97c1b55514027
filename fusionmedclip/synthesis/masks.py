"""Shapes of anomalies: Perlin blobs, and sheared and rotated ellipses and rectangles.

Everything is drawn inside a small box, never on the whole image.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from fusionmedclip.synthesis.anatomy import Anatomy
from fusionmedclip.synthesis.ranges import PerlinSettings, ShapeSettings

__all__ = ["Box", "Shape", "grid", "perlin_mask", "place_box", "random_shape"]

SMALLEST_SIDE = 6
"""Smallest side of a box in pixels: less leaves no interior to blend or to deform."""

COARSE = 16
"""Side of the grid on which a Perlin draw's fill is judged before it is rendered."""

BATCH = 4
"""Perlin draws made at once; three are needed on average."""


class Box(NamedTuple):
    """A rectangle of pixels: rows ``top`` to ``bottom``, columns ``left`` to ``right``, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def window(self) -> tuple[slice, slice]:
        """Index of the box in an image."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def place_box(
    side: tuple[float, float], *, anatomy: Anatomy, rng: np.random.Generator, depth: float = 0.0
) -> tuple[Box, tuple[int, int]]:
    """Box of random height and width around a random pixel of the anatomy, moved to fit into the image.

    Parameters
    ----------
    side : (2,) fractions of the image's height and width
    anatomy : Anatomy
    rng : numpy.random.Generator
    depth : float
        As in `Anatomy.random_pixel`.

    Returns
    -------
    box : Box
    pixel : (row, column) of the anatomy inside the box
    """
    height, width = anatomy.size
    low, high = side
    draw = rng.random(2)
    tall = min(height, max(SMALLEST_SIDE, round((low + (high - low) * draw[0]) * height)))
    wide = min(width, max(SMALLEST_SIDE, round((low + (high - low) * draw[1]) * width)))
    row, column = anatomy.random_pixel(rng, depth=depth)
    top = min(max(0, row - tall // 2), height - tall)
    left = min(max(0, column - wide // 2), width - wide)
    return Box(top, left, top + tall, left + wide), (row, column)


@lru_cache(maxsize=256)
def _perlin_basis(count: int) -> np.ndarray:
    """(count, 4) functions of one coordinate in [0, 1]: both ends' fade weights, alone and times offsets."""
    points = (np.arange(count) + 0.5) / count
    fade = points**3 * (points * (points * 6 - 15) + 10)
    basis = np.stack([1 - fade, fade, (1 - fade) * points, fade * (points - 1)], axis=1).astype(np.float32)
    basis.flags.writeable = False
    return basis


def _perlin_coefficients(angles: np.ndarray) -> np.ndarray:
    """(n, 4, 4) coefficients of the noise in the two coordinates' bases, for (n, 4) corner gradients.

    Single-cell gradient noise is a sum over the corners (i, j) of
    ``w_i(y) w_j(x) (gy (y - i) + gx (x - j))``; sqrt(2) scales its range to [-1, 1].
    """
    coefficients = np.zeros((len(angles), 4, 4), dtype=np.float32)
    coefficients[:, [2, 2, 3, 3], [0, 1, 0, 1]] = np.sqrt(2) * np.sin(angles)
    coefficients[:, [0, 0, 1, 1], [2, 3, 2, 3]] = np.sqrt(2) * np.cos(angles)
    return coefficients


def _perlin_noise(coefficients: np.ndarray, *, side: int) -> np.ndarray:
    # einsum, not matmul: its sums are the same whatever number of threads a BLAS would use.
    basis = _perlin_basis(side)
    return np.einsum("yi,ix->yx", basis, np.einsum("ij,xj->ix", coefficients, basis))


def perlin_mask(box: Box, *, rng: np.random.Generator, settings: PerlinSettings) -> np.ndarray:
    """Blob of thresholded, rotated single-cell Perlin noise.

    Parameters
    ----------
    box : Box
        Only its size matters.
    rng : numpy.random.Generator
    settings : PerlinSettings

    Returns
    -------
    (box.height, box.width) bool array
        Covers at least ``settings.min_fill`` of the box (judged on a coarse grid), or is the fullest of
        ``settings.redraws`` draws.
    """
    low, high = settings.rotation
    best, best_fill, left = None, -1.0, settings.redraws
    while left > 0 and best_fill < settings.min_fill:
        draws = rng.random((min(left, BATCH), 5))
        left -= len(draws)
        rotations = low + (high - low) * draws[:, 4]
        for coefficients, rotation in zip(
            _perlin_coefficients(draws[:, :4] * (2 * np.pi)), rotations, strict=True
        ):
            noise = _rotated(_perlin_noise(coefficients, side=COARSE), rotation, size=(COARSE, COARSE))
            fill = np.count_nonzero(noise > settings.threshold) / noise.size
            if fill > best_fill:
                best, best_fill = (coefficients, rotation), fill
            if fill >= settings.min_fill:
                break
    noise = _perlin_noise(best[0], side=max(box.height, box.width))
    return _rotated(noise, best[1], size=(box.height, box.width)) > settings.threshold


def _rotated(noise: np.ndarray, degrees: float, *, size: tuple[int, int]) -> np.ndarray:
    """Stretch square noise to ``size`` after a rotation about its centre; zero where nothing was."""
    side, (height, width) = noise.shape[0], size
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    down, across = side / height, side / width
    middle = (side - 1) / 2
    x, y = (width - 1) / 2, (height - 1) / 2
    matrix = np.array(
        [
            [cos * across, sin * down, middle - cos * across * x - sin * down * y],
            [-sin * across, cos * down, middle + sin * across * x - cos * down * y],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(noise, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_CONSTANT)


class Shape(NamedTuple):
    """An ellipse or a rectangle, and its own coordinates.

    Attributes
    ----------
    box : Box
        The smallest box of the image that holds it.
    centre : (2,) float
        Row and column of its centre.
    inverse : (2, 2) float array
        Takes an offset (row, column) from the centre to unit coordinates, where the shape is the unit
        disc or the square [-1, 1]^2.
    ellipse : bool
    """

    box: Box
    centre: tuple[float, float]
    inverse: np.ndarray
    ellipse: bool

    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Two (h, w) float32 arrays: unit coordinates of the box's pixels."""
        rows, columns = grid(self.box, self.centre)
        return (
            rows * np.float32(self.inverse[0, 0]) + columns * np.float32(self.inverse[0, 1]),
            rows * np.float32(self.inverse[1, 0]) + columns * np.float32(self.inverse[1, 1]),
        )


def grid(box: Box, centre: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Offsets from a centre: (h, 1) rows and (1, w) columns, float32."""
    rows = np.arange(box.top, box.bottom, dtype=np.float32)[:, None] - np.float32(centre[0])
    columns = np.arange(box.left, box.right, dtype=np.float32)[None, :] - np.float32(centre[1])
    return rows, columns


def shape_from(
    half: tuple[float, float],
    *,
    centre: tuple[float, float],
    shear: float,
    degrees: float,
    ellipse: bool,
    size: tuple[int, int],
    margin: float = 0.0,
) -> Shape:
    """Shape with half sides ``half`` (pixels), sheared, then rotated, in an image of ``size``."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    forward = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1.0, 0.0], [shear, 1.0]]) @ np.diag(half)
    reach = np.sqrt((forward**2).sum(axis=1)) if ellipse else np.abs(forward).sum(axis=1)
    reach = reach + margin
    low = np.maximum(0, np.floor(np.subtract(centre, reach))).astype(int)
    high = np.minimum(size, np.ceil(np.add(centre, reach)) + 1).astype(int)
    box = Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
    return Shape(box, centre, np.linalg.inv(forward), ellipse)


def random_shape(*, anatomy: Anatomy, rng: np.random.Generator, settings: ShapeSettings) -> Shape:
    """Sheared and rotated ellipse or rectangle around a random pixel of the anatomy.

    Parameters
    ----------
    anatomy : Anatomy
    rng : numpy.random.Generator
    settings : ShapeSettings

    Returns
    -------
    Shape
    """
    size = anatomy.size
    sides = settings.side_base + rng.gamma(settings.side_gamma_shape, settings.side_gamma_scale, size=2)
    sides = np.clip(sides, *settings.side) * size
    half = np.maximum(SMALLEST_SIDE, sides) / 2
    row, column = anatomy.random_pixel(rng)
    return shape_from(
        (float(half[0]), float(half[1])),
        centre=(float(row), float(column)),
        shear=settings.shear_std * rng.standard_normal(),
        degrees=rng.uniform(*settings.rotation),
        ellipse=rng.random() < settings.ellipse_probability,
        size=size,
    )

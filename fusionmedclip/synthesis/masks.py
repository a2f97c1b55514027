"""Boxes in an image, and the Perlin blobs drawn inside them (thesis section 4.2).

Everything is drawn inside a small box, never on the whole image.
"""

import math
from functools import lru_cache
from typing import NamedTuple, cast

import cv2
import numpy as np

from fusionmedclip.synthesis.anatomy import Anatomy
from fusionmedclip.synthesis.ranges import PerlinSettings

__all__ = ["Box", "grid", "perlin_mask", "place_box"]

SMALLEST_SIDE = 6
"""Smallest side of a box in pixels: less leaves no interior to blend or to deform."""

COARSE = 16
"""Longest side of the grid on which a Perlin draw's fill is judged before it is rendered."""

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
    side: tuple[float, float],
    *,
    anatomy: Anatomy,
    rng: np.random.Generator,
    depth: float = 0.0,
    whole: bool = False,
) -> tuple[Box, tuple[int, int]]:
    """Box of random height and width around a random pixel of the anatomy, moved to fit into the image.

    Parameters
    ----------
    side : (2,) fractions of the image's height and width
    anatomy : Anatomy
    rng : numpy.random.Generator
    depth : float
        As in `Anatomy.random_pixel`.
    whole : bool
        The pixel lies in the box where it lies in the image, so that uniform pixels give uniform boxes.

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
    if whole:
        top, left = row * (height - tall + 1) // height, column * (width - wide + 1) // width
    else:
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
    longest = max(box.height, box.width)
    coarse = max(1, round(COARSE * box.height / longest)), max(1, round(COARSE * box.width / longest))
    best, best_fill, left = None, -1.0, settings.redraws
    while left > 0 and best_fill < settings.min_fill:
        draws = rng.random((min(left, BATCH), 5))
        left -= len(draws)
        rotations = low + (high - low) * draws[:, 4]
        for coefficients, rotation in zip(
            _perlin_coefficients(draws[:, :4] * (2 * np.pi)), rotations, strict=True
        ):
            noise = _rotated(_perlin_noise(coefficients, side=COARSE), rotation, size=coarse)
            fill = np.count_nonzero(noise > settings.threshold) / noise.size
            if fill > best_fill:
                best, best_fill = (coefficients, rotation), fill
            if fill >= settings.min_fill:
                break
    chosen, turn = cast(tuple[np.ndarray, float], best)  # the first draw is fuller than -1
    noise = _perlin_noise(chosen, side=longest)
    return _rotated(noise, turn, size=(box.height, box.width)) > settings.threshold


def _rotated(noise: np.ndarray, degrees: float, *, size: tuple[int, int]) -> np.ndarray:
    """Stretch square noise to ``size``, then rotate it about the centre; zero where nothing was.

    In this order, as the parent's code, an oblong box loses more of its noise than a square one.
    """
    side, (height, width) = noise.shape[0], size
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    down, across = side / height, side / width
    matrix = np.array([[cos * across, sin * across, 0.0], [-sin * down, cos * down, 0.0]])
    matrix[:, 2] = (side - 1) / 2 - matrix[:, :2] @ [(width - 1) / 2, (height - 1) / 2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(noise, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_CONSTANT)


def grid(box: Box, centre: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Offsets from a centre: (h, 1) rows and (1, w) columns, float32."""
    rows = np.arange(box.top, box.bottom, dtype=np.float32)[:, None] - np.float32(centre[0])
    columns = np.arange(box.left, box.right, dtype=np.float32)[None, :] - np.float32(centre[1])
    return rows, columns

"""Ellipses and rectangles with a size, a shear and a rotation of their own (thesis section 4.2)."""

from typing import NamedTuple

import numpy as np

from fusionmedclip.synthesis.anatomy import Anatomy
from fusionmedclip.synthesis.masks import SMALLEST_SIDE, Box, grid
from fusionmedclip.synthesis.ranges import ShapeSettings

__all__ = ["Shape", "random_shape", "shape_from"]


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
    forward = _forward(half, shear=shear, degrees=degrees)
    reach = np.sqrt((forward**2).sum(axis=1)) if ellipse else np.abs(forward).sum(axis=1)
    reach = reach + margin
    low = np.maximum(0, np.floor(np.subtract(centre, reach))).astype(int)
    high = np.minimum(size, np.ceil(np.add(centre, reach)) + 1).astype(int)
    box = Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
    return Shape(box, centre, np.linalg.inv(forward), ellipse)


def _forward(half: tuple[float, float] | np.ndarray, *, shear: float, degrees: float) -> np.ndarray:
    """(2, 2) array: unit coordinates to offsets in pixels."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]]) @ np.array([[1.0, 0.0], [shear, 1.0]]) @ np.diag(half)


def random_shape(
    *, anatomy: Anatomy, rng: np.random.Generator, settings: ShapeSettings, whole: bool = False
) -> Shape:
    """Sheared and rotated ellipse or rectangle around a random pixel of the anatomy.

    Parameters
    ----------
    anatomy : Anatomy
    rng : numpy.random.Generator
    settings : ShapeSettings
    whole : bool
        The shape is shrunk until its box is no larger than the largest side, and lies inside the image;
        otherwise the image's edge cuts it.

    Returns
    -------
    Shape
    """
    size = anatomy.size
    sides = settings.side_base + rng.gamma(settings.side_gamma_shape, settings.side_gamma_scale, size=2)
    half = np.maximum(SMALLEST_SIDE, np.clip(sides, *settings.side) * size) / 2
    centre = np.array(anatomy.random_pixel(rng), dtype=float)
    shear, degrees = settings.shear_std * rng.standard_normal(), rng.uniform(*settings.rotation)
    if whole:
        reach = np.abs(_forward(half, shear=shear, degrees=degrees)).sum(axis=1)
        shrink = min(1.0, float((settings.side[1] * np.array(size) / 2 / reach).min()))
        half, reach = half * shrink, reach * shrink
        last = np.array(size) - 1.0
        centre = reach + centre / last * np.maximum(last - 2 * reach, 0)
    return shape_from(
        (float(half[0]), float(half[1])),
        centre=(float(centre[0]), float(centre[1])),
        shear=shear,
        degrees=degrees,
        ellipse=rng.random() < settings.ellipse_probability,
        size=size,
    )

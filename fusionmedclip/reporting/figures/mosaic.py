"""Many small pictures as one: drawn once, where an axis each would take seconds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["GAP", "draw_mosaic", "grey", "place", "size_of"]

GAP = 0.03
"""Space between two pictures, as a share of a picture's side."""


def grey(image: np.ndarray) -> np.ndarray:
    """A (H, W) picture in [0, 1] as RGB, (H, W, 3)."""
    return np.repeat(np.clip(image, 0, 1)[..., None], 3, axis=-1)


def place(row: int, column: int, side: int) -> tuple[int, int]:
    """First pixel (y, x) of a picture in the mosaic."""
    step = side + max(1, round(GAP * side))
    return row * step, column * step


def size_of(count: int, inches: float) -> float:
    """Inches that a row or column of pictures takes."""
    return inches * (count * (1 + GAP) - GAP)


def draw_mosaic(axis: "Axes", pictures: Sequence[Sequence[np.ndarray | None]]) -> int:
    """Show rows of square RGB pictures on one axis, in pixels of the pictures; None stays white.

    Returns
    -------
    int
        Side of a picture, for :func:`place`.
    """
    side = next(p.shape[0] for row in pictures for p in row if p is not None)
    bottom, right = place(len(pictures) - 1, max(map(len, pictures)) - 1, side)
    canvas = np.ones((bottom + side, right + side, 3), dtype=np.float32)
    for row, line in enumerate(pictures):
        for column, picture in enumerate(line):
            if picture is not None:
                y, x = place(row, column, side)
                canvas[y : y + side, x : x + side] = picture
    axis.imshow((255 * canvas + 0.5).astype(np.uint8), aspect="auto", interpolation="antialiased")
    axis.axis("off")
    return side

"""Where noise goes: masks of thresholded Perlin noise on a grid of features (SuperSimpleNet)."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["noise_masks", "perlin"]

SCALES = 6
"""Cells along a side are 2 to the power of 0, 1, ... 5, as far as the grid has so many."""


def perlin(angles: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Perlin noise of gradients at the corners of cells.

    Parameters
    ----------
    angles : (R + 1, C + 1) array
        Directions of the gradients, radians.
    shape : (int, int)
        Rows and columns, multiples of R and C.

    Returns
    -------
    (rows, columns) float64 array
        Within about -1 and 1.
    """
    cells = np.array(angles.shape) - 1
    y, x = (np.arange(side) * count / side for side, count in zip(shape, cells, strict=True))
    top, left = y.astype(int)[:, None], x.astype(int)[None]
    dy, dx = (y - y.astype(int))[:, None], (x - x.astype(int))[None]
    corner = {
        (i, j): np.cos(angles)[top + i, left + j] * (dy - i) + np.sin(angles)[top + i, left + j] * (dx - j)
        for i in (0, 1)
        for j in (0, 1)
    }
    fade_y, fade_x = (6 * t**5 - 15 * t**4 + 10 * t**3 for t in (dy, dx))
    upper = corner[0, 0] + fade_y * (corner[1, 0] - corner[0, 0])
    lower = corner[0, 1] + fade_y * (corner[1, 1] - corner[0, 1])
    return np.sqrt(2) * (upper + fade_x * (lower - upper))


def noise_masks(count: int, grid: tuple[int, int], *, threshold: float, rng: np.random.Generator) -> Tensor:
    """Masks (count, 1, h, w) of 0 and 1; each is empty with odds of one half."""
    sides = [1 << (side - 1).bit_length() for side in grid]
    masks = []
    for _ in range(count):
        cells = [2 ** int(rng.integers(min(SCALES, side.bit_length()))) for side in sides]
        drawn = perlin(2 * np.pi * rng.random((cells[0] + 1, cells[1] + 1)), (sides[0], sides[1]))
        noise = torch.as_tensor(drawn, dtype=torch.float32)[None, None]
        fitted = F.interpolate(noise, size=grid, mode="bilinear", align_corners=False)
        masks.append((fitted > threshold).float() * (rng.random() <= 0.5))
    return torch.cat(masks)

"""The 22 views of each support image that RegAD's statistics are taken from."""

import math

import torch
from torch import Tensor

from fusionmedclip.baselines.regad.registration import warp

__all__ = ["support_views"]

_ANGLES = tuple(sign * step * math.pi / 16 for sign in (-1, 1) for step in (1, 2, 3, 4))
_SHIFTS = tuple((a, b) for size in (0.2, 0.1) for a in (-size, size) for b in (-size, size))


def support_views(images: Tensor) -> Tensor:
    """Images, turned by up to 45 degrees, moved, mirrored, grey, and turned by right angles.

    Parameters
    ----------
    images : (k, S, S) tensor
        Grey, square.

    Returns
    -------
    (22 k, S, S) tensor
        As the images are grey already, the grey view is the image once more, kept for its weight.
    """
    affine = [_matrix(math.cos(t), -math.sin(t), 0, math.sin(t), math.cos(t), 0) for t in _ANGLES]
    affine += [_matrix(1, 0, a, 0, 1, b) for a, b in _SHIFTS]
    views = [images]
    for matrix in affine:
        theta = matrix.to(images.device).expand(len(images), 2, 3)
        views.append(warp(images.unsqueeze(1), theta).squeeze(1))
    views += [images.flip(2), images]
    views += [torch.rot90(images, turns, dims=(1, 2)) for turns in (1, 2, 3)]
    return torch.cat(views)


def _matrix(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, 2, 3)

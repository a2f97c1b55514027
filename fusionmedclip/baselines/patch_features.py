"""Locally aware patch features over several layers (Roth et al., CVPR 2022, section 3.1)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["embed_patches", "on_one_grid", "patch_vectors"]


def embed_patches(
    maps: Sequence[Tensor],
    *,
    embedding: str = "adaptive",
    patch_size: int = 3,
    pretrain_dim: int = 1024,
    target_dim: int = 1024,
) -> Tensor:
    """Vectors of all positions of the first layer's grid.

    ``adaptive``, the official one: each position's neighbourhood (C x P x P values, channels slowest) is
    average-pooled to ``pretrain_dim``; coarser layers are brought to the first one's grid bilinearly; the
    concatenation is pooled to ``target_dim``. Pooling and interpolation are both linear and act on
    different axes, so pooling comes first: it shrinks what is interpolated. Where a layer has few channels,
    this averages neighbouring channels that have nothing to do with each other.

    ``average``: the mean of each channel over the neighbourhood, layers concatenated (C_1 + C_2 + ...).

    Parameters
    ----------
    maps : sequence of (B, C_j, H_j, W_j) tensors
    patch_size : int
        P, odd; the border is padded with zeros.

    Returns
    -------
    (B, D, H_1, W_1) tensor
        D is ``target_dim`` of ``adaptive``.
    """
    grid = maps[0].shape[-2:]
    if embedding == "average":
        return torch.cat(on_one_grid([F.avg_pool2d(m, patch_size, 1, patch_size // 2) for m in maps]), dim=1)
    layers = [_pooled_neighbourhoods(m, patch_size, pretrain_dim) for m in maps]
    stacked = torch.cat(on_one_grid(layers), dim=1).flatten(2).transpose(1, 2)
    pooled = F.adaptive_avg_pool1d(stacked, target_dim)
    return pooled.transpose(1, 2).unflatten(2, grid)


def on_one_grid(layers: Sequence[Tensor]) -> list[Tensor]:
    """Bring (B, C_j, H_j, W_j) layers to the first one's grid, bilinearly."""
    grid = layers[0].shape[-2:]
    return [
        layer
        if layer.shape[-2:] == grid
        else F.interpolate(layer, size=grid, mode="bilinear", align_corners=False)
        for layer in layers
    ]


def _pooled_neighbourhoods(maps: Tensor, patch_size: int, dim: int) -> Tensor:
    grid = maps.shape[-2:]
    unfolded = F.unfold(maps, patch_size, padding=patch_size // 2).transpose(1, 2)
    return F.adaptive_avg_pool1d(unfolded, dim).transpose(1, 2).unflatten(2, grid)


def patch_vectors(embedded: Tensor) -> Tensor:
    """(B, D, H, W) to one row a position, (B * H * W, D), contiguous."""
    return embedded.permute(0, 2, 3, 1).reshape(-1, embedded.shape[1]).contiguous()

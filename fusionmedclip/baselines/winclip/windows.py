"""Embeddings of all square windows of patches, and back from windows to patches (WinCLIP)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from fusionmedclip.models.backbones.backbone import Backbone

__all__ = ["harmonic_patches", "spread_windows", "window_embeddings", "window_indices"]


def window_indices(height: int, width: int, side: int) -> Tensor:
    """Patches of each window, stride 1, row by row: (V, side * side) indices into height * width."""
    grid = torch.arange(height * width).view(1, 1, height, width).float()
    return F.unfold(grid, side)[0].T.long()


def window_embeddings(backbone: Backbone, pixels: Tensor, side: int) -> Tensor:
    """Projected embeddings of every window of (B, 3, H, W) pixels: (B, V, D), not normalised.

    A vision transformer sees the class token and a window's patches alone, as in the paper. Other towers
    cannot be masked that way; there a window is the mean of its projected patch embeddings.
    """
    visual = backbone.visual
    if not (backbone.is_vit and getattr(visual, "pool_type", None) == "tok" and visual.attn_pool is None):
        pooled = F.avg_pool2d(backbone.patch_embeddings(pixels), side, stride=1)
        return pooled.flatten(2).transpose(1, 2)
    grid = visual.conv1(pixels)
    batch, channels, height, width = grid.shape
    patches = grid.flatten(2).transpose(1, 2)
    token = visual.class_embedding.to(patches.dtype).expand(batch, 1, channels)
    tokens = visual.ln_pre(torch.cat([token, patches], dim=1) + visual.positional_embedding)
    chosen = tokens[:, 1:][:, window_indices(height, width, side).to(tokens.device)]
    with_class = torch.cat([tokens[:, None, :1].expand(-1, chosen.shape[1], -1, -1), chosen], dim=2)
    out = visual.ln_post(visual.transformer(with_class.flatten(0, 1))[:, 0])
    projected = out @ visual.proj if visual.proj is not None else out
    return projected.view(batch, -1, projected.shape[-1])


def harmonic_patches(windows: Tensor, grid: tuple[int, int], side: int) -> Tensor:
    """Harmonic mean, at each patch, of the scores of the windows that hold it.

    Parameters
    ----------
    windows : (B, V) tensor
        Positive.

    Returns
    -------
    (B, h, w) tensor
    """
    return 1 / spread_windows(1 / windows, grid, side)


def spread_windows(windows: Tensor, grid: tuple[int, int], side: int) -> Tensor:
    """Arithmetic mean, at each patch, of the (B, V) values of the windows that hold it: (B, h, w)."""
    each = windows.unsqueeze(1).expand(-1, side * side, -1)
    total = F.fold(each, grid, side)
    count = F.fold(torch.ones_like(each), grid, side)
    return (total / count).squeeze(1)

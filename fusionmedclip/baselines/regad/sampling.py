"""Bilinear sampling of feature maps whose backward pass adds in one order on every device."""

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["gathered", "sample_reflected"]

FAR = 1e6
"""Widths of a map, beyond which no registration looks for its pixels."""


def sample_reflected(maps: Tensor, grid: Tensor) -> Tensor:
    """Sample (B, C, H, W) maps at a (B, h, w, 2) grid; outside is mirrored.

    By torch's ``grid_sample``, or by :func:`gathered` where a deterministic backward pass needs it. The two
    round differently, and a registration that starts as the identity samples where the slope of a bilinear
    map jumps: there a rounding error turns a gradient. So what can be the official code's own operation is.

    While it learns, a grid of a registration that diverged, with a position that is no number or far away,
    gives NaN: neither has a backward pass there, and torch's ends the process.
    """
    if not torch.is_grad_enabled():
        return F.grid_sample(maps, grid, padding_mode="reflection", align_corners=False)
    near = grid.abs() < FAR
    lost = ~near.flatten(1).all(dim=1)
    return _sampled(maps, grid.masked_fill(~near, 0.0)).masked_fill(lost.view(-1, 1, 1, 1), torch.nan)


def _sampled(maps: Tensor, grid: Tensor) -> Tensor:
    if maps.device.type == "cpu":
        return F.grid_sample(maps, grid, padding_mode="reflection", align_corners=False)
    return gathered(maps, grid)


def gathered(maps: Tensor, grid: Tensor) -> Tensor:
    """``F.grid_sample(maps, grid, padding_mode="reflection", align_corners=False)``, by gathering.

    torch has no deterministic backward pass of ``grid_sample`` on a GPU, but one of ``gather``.

    Parameters
    ----------
    maps : (B, C, H, W) tensor
    grid : (B, h, w, 2) tensor
        Positions (across, down): -1 and 1 are the outer edges of the first and the last pixel.

    Returns
    -------
    (B, C, h, w) tensor
    """
    height, width = maps.shape[-2:]
    left, right, across = _neighbours(grid[..., 0].flatten(1), width)
    top, bottom, down = _neighbours(grid[..., 1].flatten(1), height)
    flat = maps.flatten(2)

    def pixels(row: Tensor, column: Tensor) -> Tensor:
        index = (row * width + column).unsqueeze(1)
        return flat.gather(2, index.expand(-1, flat.shape[1], -1))

    across, down = across.unsqueeze(1), down.unsqueeze(1)
    upper = pixels(top, left) * (1 - across) + pixels(top, right) * across
    lower = pixels(bottom, left) * (1 - across) + pixels(bottom, right) * across
    return (upper * (1 - down) + lower * down).unflatten(2, grid.shape[1:3])


def _neighbours(positions: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels before and after each position, mirrored at the outer edges, and how far it lies between."""
    pixels = ((positions + 1) * side / 2).abs()
    turns = (pixels / side).floor()
    within = pixels - turns * side
    mirrored = torch.where(turns % 2 == 0, within, side - within)
    place = (mirrored - 0.5).clamp(0, side - 1)
    before = place.detach().floor().long().clamp(max=side - 1)
    return before, (before + 1).clamp(max=side - 1), place - before

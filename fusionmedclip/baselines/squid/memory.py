"""Memories of SQUID: queues of past features at the bottleneck, learnt matrices in the decoder."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["DecoderMemory", "MemoryQueue", "from_quadrants", "mixed", "sharpened", "to_quadrants"]


def to_quadrants(maps: Tensor) -> Tensor:
    """Cut (B, C, 2 h, 2 w) maps into 2 x 2 patches, row by row: (4 B, C, h, w)."""
    batch, channels, height, width = maps.shape
    cut = maps.view(batch, channels, 2, height // 2, 2, width // 2)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(4 * batch, channels, height // 2, width // 2)


def from_quadrants(patches: Tensor) -> Tensor:
    """Put 2 x 2 patches (4 B, C, h, w) together again: (B, C, 2 h, 2 w)."""
    count, channels, height, width = patches.shape
    laid = patches.view(count // 4, 2, 2, channels, height, width)
    return laid.permute(0, 3, 1, 4, 2, 5).reshape(count // 4, channels, 2 * height, 2 * width)


def sharpened(similarities: Tensor, kept: int) -> Tensor:
    """Softmax with all but the largest set to zero, normalised anew; its gradient is the softmax's.

    Parameters
    ----------
    similarities : (N, M) tensor
    kept : int
        Values above the one of this rank stay.
    """
    soft = similarities.softmax(dim=1)
    detached = soft.detach()
    threshold = detached.topk(kept, dim=1).values[:, -1:]
    hard = F.normalize(torch.where(detached > threshold, detached, torch.zeros_like(detached)), p=1, dim=1)
    return soft + (hard - detached)


class MemoryQueue(nn.Module):
    """Ring of the latest normal features, read by similarity.

    Parameters
    ----------
    slots, dim : int
    kept : int
        See :func:`sharpened`.
    """

    memory: Tensor
    position: Tensor

    def __init__(self, slots: int, dim: int, *, kept: int):
        super().__init__()
        self.kept = kept
        self.register_buffer("memory", torch.empty(slots, dim).uniform_(-(dim**-0.5), dim**-0.5))
        self.register_buffer("position", torch.zeros((), dtype=torch.int64))

    def forward(self, queries: Tensor) -> Tensor:
        """What the memory holds nearest to (N, D) queries: (N, D)."""
        return sharpened(queries @ self.memory.T, self.kept) @ self.memory

    @torch.no_grad()
    def push(self, features: Tensor) -> None:
        """Write (N, D) features over the oldest ones."""
        slots = len(self.memory)
        rows = (self.position + torch.arange(len(features), device=features.device)) % slots
        # In place: a recorded step (steps/captured.py) finds both where they were.
        self.memory.index_copy_(0, rows, features.detach())
        self.position.add_(len(features)).remainder_(slots)


class DecoderMemory(nn.Module):
    """A learnt memory for each quadrant of a feature map.

    Parameters
    ----------
    slots : int
    channels, side : int
        Of the maps (B, channels, side, side).
    kept : int
        See :func:`sharpened`.
    mask_ratio : float
        Share of the positions that training reads from the memory.
    """

    def __init__(self, slots: int, *, channels: int, side: int, kept: int, mask_ratio: float):
        super().__init__()
        dim = channels * (side // 2) ** 2
        self.kept = kept
        self.mask_ratio = mask_ratio
        self.memory = nn.Parameter(torch.empty(4, slots, dim).uniform_(-(dim**-0.5), dim**-0.5))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, C, S, S) as the memories have them."""
        patches = to_quadrants(maps)
        queries = patches.flatten(1).unflatten(0, (-1, 4)).transpose(0, 1)
        similarities = queries @ self.memory.transpose(1, 2)
        weights = sharpened(similarities.flatten(0, 1), self.kept).view_as(similarities)
        read = (weights @ self.memory).transpose(0, 1).reshape(patches.shape)
        result = from_quadrants(read)
        return mixed(result, maps, self.mask_ratio) if self.training else result


def mixed(memory: Tensor, original: Tensor, ratio: float) -> Tensor:
    """Positions of ``memory``, a share ``ratio`` of them drawn at random, the others of ``original``."""
    mask = torch.bernoulli(torch.full((len(memory), 1, *memory.shape[2:]), ratio, device=memory.device))
    return torch.where(mask > 0, memory, original)

"""Trainable modules beside the backbone: block adapters (Eq. 9) and alignment adapters (Eq. 4-5, 10-11)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fusionmedclip.models.settings import BlockAdapterSettings
from fusionmedclip.randomness import key

__all__ = ["AlignmentAdapters", "BlockAdapters", "normalise"]

EPSILON = 1e-6
"""The small constant of Eq. 5 and 11."""


def normalise(features: Tensor, *, dim: int = 1) -> Tensor:
    """L2-normalise: g / (||g|| + eps) (Eq. 5, 11)."""
    return features / (features.norm(dim=dim, keepdim=True) + EPSILON)


class AlignmentAdapters(nn.Module):
    """One 1x1 convolution a layer into the joint embedding space, then L2 normalisation.

    Parameters
    ----------
    channels : sequence of int
        C_j of each layer.
    target : int
        Size of the text embedding. The thesis prints 1024; the cosine with the text needs the text's size,
        768 for ViT-L/14.
    seed : int
        Keys the initial weights.
    """

    def __init__(self, channels: Sequence[int], target: int, *, seed: int):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(key(seed, "alignment") % 2**63)
            self.layers = nn.ModuleList(nn.Conv2d(c, target, kernel_size=1) for c in channels)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, C_j, H_j, W_j) to unit vectors (B, D, H_j, W_j)."""
        return [normalise(layer(m)) for layer, m in zip(self.layers, maps, strict=True)]


class BlockAdapters(nn.Module):
    """Bottleneck MLPs at the target layers.

    G' = H + W_up drop(GELU(W_down H)), with W_up = 0 at the start: the adapter begins as the identity.
    Settings change the form; where the adapters stand is the model's matter.

    Parameters
    ----------
    channels : sequence of int
        C_j of each layer.
    settings : BlockAdapterSettings
    seed : int
        Keys the initial weights.
    """

    def __init__(self, channels: Sequence[int], settings: BlockAdapterSettings, *, seed: int):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(key(seed, "block adapter") % 2**63)
            self.layers = nn.ModuleList(self._bottleneck(c, settings) for c in channels)
        self.residual = settings.residual

    @staticmethod
    def _bottleneck(channels: int, settings: BlockAdapterSettings) -> nn.Sequential:
        down = nn.Conv2d(channels, settings.bottleneck, kernel_size=1)
        up = nn.Conv2d(settings.bottleneck, channels, kernel_size=1)
        if settings.zero_start:
            for parameter in up.parameters():
                nn.init.zeros_(parameter)
        activation = nn.GELU() if settings.activation == "gelu" else nn.ReLU()
        return nn.Sequential(down, activation, nn.Dropout(settings.dropout), up)

    def refine(self, index: int, maps: Tensor) -> Tensor:
        """Maps (B, C_j, H_j, W_j) of the layer with this index to refined ones."""
        change = self.layers[index](maps)
        return maps + change if self.residual else change

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, C_j, H_j, W_j) of all layers to refined maps of the same shapes."""
        return [self.refine(index, m) for index, m in enumerate(maps)]

"""Fitted methods as graphs of tensors: from images in [0, 1] to scores and maps, nothing else in between."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.baselines.patch_features import patch_vectors
from fusionmedclip.baselines.patch_nn.detector import PatchNN, tail_mean
from fusionmedclip.baselines.patchcore.detector import PatchCore
from fusionmedclip.baselines.simplenet.detector import SimpleNet
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.detector import Detector
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.training.estimator import FusionMedCLIP

__all__ = ["EXPORTED", "scoring_graph"]

EXPORTED = ("fusionmedclip", "patchcore", "patch_nn", "simplenet")
"""Kinds whose scoring is a graph of tensors of one shape."""


def scoring_graph(detector: Detector | None, kind: str, *, size: int) -> nn.Module:
    """The graph of a fitted detector: (B, 3, S, S) images to scores (B,) and maps (B, S, S), if any.

    Parameters
    ----------
    detector : Detector or None
    kind : str
        For the message.
    size : int
        S, pixels.

    Raises
    ------
    InputError
        If it is not fitted, or scores by something else: a search over windows, a diffusion, its batch.
    """
    if isinstance(detector, FusionMedCLIP) and detector.model is not None:
        return _Fusion(detector.model, detector.backbone)
    if isinstance(detector, PatchCore):
        root = not detector.settings.squared
        return _Patches(detector, _Memory(detector.memory, power=0.5 if root else 1.0), _highest, size=size)
    if isinstance(detector, PatchNN) and detector.settings.masking == "none":
        share = detector.settings.tail
        halved = _Memory(detector.memory, factor=0.5)  # of unit vectors: |a - b|^2 = 2 (1 - cos)
        return _Patches(detector, halved, lambda values: tail_mean(values, share), size=size)
    if isinstance(detector, SimpleNet):
        return _Patches(detector, _Negative(detector.head), _highest, size=size)
    raise InputError(
        "this method is not exported",
        received=kind,
        allowed=", ".join(EXPORTED),
        hint="others, and masking, score by no graph of one shape; `predict` and the Python API run them",
    )


class _Fusion(nn.Module):
    """The text embeddings are constants by now."""

    text: Tensor

    def __init__(self, model: FusionModel, backbone: Backbone):
        super().__init__()
        self.model, self.backbone = model, backbone
        self.register_buffer("text", model.text().detach())

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        pixels = (images - self.backbone.mean) / self.backbone.std
        height, width = images.shape[2:]
        scores, maps = self.model.score_features(self.model.features(pixels), self.text, (height, width))
        return (scores,) if maps is None else (scores, maps)


class _Patches(nn.Module):
    """A score of each patch's vector; the image's from those, its map enlarged and smoothed from them."""

    smoothing: Tensor | None

    def __init__(
        self,
        detector: PatchCore | PatchNN | SimpleNet,
        of_vectors: nn.Module,
        of_image: Callable[[Tensor], Tensor],
        *,
        size: int,
    ):
        super().__init__()
        self.backbone, self.layers, self.embed = detector.backbone, detector.layers, detector.embed
        self.of_vectors, self.of_image, self.size = of_vectors, of_image, size
        sigma = detector.settings.sigma  # as a matrix, scipy's filter keeps its mirrored borders
        matrix = gaussian_filter1d(np.eye(size, dtype=np.float32), sigma, axis=0) if sigma else None
        self.register_buffer("smoothing", None if matrix is None else torch.from_numpy(matrix))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        pixels = (images - self.backbone.mean) / self.backbone.std
        embedded = self.embed(self.backbone.feature_maps(pixels, self.layers))
        grids = self.of_vectors(patch_vectors(embedded)).view(-1, *embedded.shape[-2:])
        wide = (self.size, self.size)
        maps = F.interpolate(grids.unsqueeze(1), size=wide, mode="bilinear", align_corners=False).squeeze(1)
        if self.smoothing is not None:
            maps = self.smoothing @ maps @ self.smoothing.T
        return self.of_image(grids.flatten(1)), maps


class _Memory(nn.Module):
    """Distance of each vector to the nearest one kept, computed from the difference as ``Nearest`` does."""

    memory: Tensor
    norms: Tensor

    def __init__(self, memory: Tensor, *, power: float = 1.0, factor: float = 1.0):
        super().__init__()
        self.register_buffer("memory", memory)
        self.register_buffer("norms", memory.square().sum(dim=1).unsqueeze(0))
        self.power, self.factor = power, factor

    def forward(self, vectors: Tensor) -> Tensor:
        rows = torch.addmm(self.norms, vectors, self.memory.T, alpha=-2).argmin(dim=1)
        squared = (vectors - self.memory[rows]).square().sum(dim=1)
        return self.factor * (squared.sqrt() if self.power == 0.5 else squared)


class _Negative(nn.Module):
    def __init__(self, head: nn.Module):
        super().__init__()
        self.head = head

    def forward(self, vectors: Tensor) -> Tensor:
        return -self.head(vectors)


def _highest(values: Tensor) -> Tensor:
    return values.amax(dim=1)

"""Nearest neighbour on a backbone's own patch features (AnomalyDINO's recipe; Damm et al., WACV 2025)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fusionmedclip.baselines.maps import pixel_maps
from fusionmedclip.baselines.nearest import Nearest
from fusionmedclip.baselines.patch_features import on_one_grid, patch_vectors
from fusionmedclip.baselines.patch_nn.foreground import foreground
from fusionmedclip.baselines.patch_nn.settings import PatchNNSettings
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.detector import FeatureDetector, Progress, Scores

__all__ = ["PatchNN", "rotated", "tail_mean"]


class PatchNN(FeatureDetector):
    """Cosine distance of each patch to the nearest one of the support set, which is seen at several angles.

    Parameters
    ----------
    backbone : Backbone
    settings : PatchNNSettings, optional
    """

    needs_backbone = True

    def __init__(self, *, backbone: Backbone, settings: PatchNNSettings | None = None):
        self.settings = settings or PatchNNSettings()
        self.backbone = backbone
        self.layers = self.settings.layers
        self.batch_size = self.settings.batch_size
        self._nearest: Nearest | None = None

    @torch.inference_mode()
    def fit(self, support: np.ndarray, *, seed: int = 0, progress: Progress | None = None) -> Self:
        """Keep the patches of (k, H, W) normal images and of their rotations."""
        turned = rotated(support, self.settings.rotations)
        maps = self.features(turned)
        masked = self.settings.masking == "all"
        memory = [self._patches([m[i : i + 1] for m in maps], masked=masked)[0] for i in range(len(turned))]
        self._nearest = Nearest(torch.cat(memory))
        if not len(self._nearest.memory):
            raise InputError(
                "no patch of the support set is foreground",
                received=f"mask_threshold {self.settings.mask_threshold}",
                hint="lower it, or set masking: queries, which keeps the support set whole",
            )
        if progress is not None:
            progress({"step": 1, "patches": len(self._nearest.memory)})
        return self

    @torch.inference_mode()
    def score_features(self, maps: Sequence[np.ndarray], size: tuple[int, int]) -> Scores:
        """Score N images from their feature maps, one at a time; see ``FeatureDetector``."""
        nearest = fitted(self._nearest, "PatchNN")
        masked = self.settings.masking != "none"
        grids = []
        for i in range(len(maps[0])):
            vectors, kept = self._patches([m[i : i + 1] for m in maps], masked=masked)
            grid = torch.zeros(kept.shape, device=vectors.device)
            if len(vectors):
                # Of unit vectors: |a - b|^2 = 2 (1 - cos).
                grid[kept] = nearest.squared_distances(vectors)[0] / 2
            grids.append(grid)
        distances = torch.stack(grids)
        return Scores(
            tail_mean(distances.flatten(1), self.settings.tail).double().cpu().numpy(),
            pixel_maps(distances, size, sigma=self.settings.sigma),
        )

    def _patches(self, maps: Sequence[np.ndarray], *, masked: bool) -> tuple[Tensor, Tensor]:
        """Vectors (P, D) of one image's patches that are kept, and which of the grid (h, w) they are."""
        grid = self.embed(maps)
        kept = torch.ones(grid.shape[-2:], dtype=torch.bool, device=grid.device)
        if masked:
            raw = torch.cat(on_one_grid(self._layers(maps)), dim=1)[0].cpu().numpy()
            kept = torch.as_tensor(
                foreground(raw, threshold=self.settings.mask_threshold), device=grid.device
            )
        return patch_vectors(grid)[kept.flatten()], kept

    def embed(self, maps: Sequence[np.ndarray | Tensor]) -> Tensor:
        """(B, D, h, w) vectors of patches, of their feature maps."""
        unit = [F.normalize(layer, dim=1) for layer in self._layers(maps)]
        return F.normalize(torch.cat(on_one_grid(unit), dim=1), dim=1)

    def _layers(self, maps: Sequence[np.ndarray | Tensor]) -> list[Tensor]:
        tensors = [torch.as_tensor(m, device=self.backbone.mean.device) for m in maps]
        return [self.backbone.normed(m) for m in tensors] if self.settings.final_norm else tensors

    @property
    def memory(self) -> Tensor:
        """(M, D) vectors of normal patches."""
        return fitted(self._nearest, "PatchNN").memory

    def save(self, folder: Path) -> None:
        """Write the memory."""
        save_tensors({"memory": self.memory}, folder)

    def restore(self, folder: Path) -> Self:
        """Read a memory that :meth:`save` wrote."""
        self._nearest = Nearest(load_tensors(folder)["memory"].to(self.backbone.mean.device))
        return self


def tail_mean(values: Tensor, share: float) -> Tensor:
    """Mean of the largest values of each row: a share of them, rounded down, at least one.

    Parameters
    ----------
    values : (B, P) tensor
    share : float
        In (0, 1].

    Returns
    -------
    (B,) tensor
    """
    count = max(1, int(values.shape[1] * share))
    return values.topk(count, dim=1).values.mean(dim=1)


def rotated(images: np.ndarray, count: int) -> np.ndarray:
    """N * count images: each (H, W) or (H, W, 3) turned about its centre by multiples of 360 / count degrees.

    Corners that come from outside are mirrored.
    """
    height, width = images.shape[1:3]
    centre = ((width - 1) / 2, (height - 1) / 2)
    turns = [cv2.getRotationMatrix2D(centre, 360 * i / count, 1.0) for i in range(count)]
    result = [
        cv2.warpAffine(
            image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        for image in images
        for turn in turns
    ]
    return np.stack(result)

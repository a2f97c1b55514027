"""PatchCore: distance to the nearest of the support set's patch features (Roth et al., CVPR 2022)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from fusionmedclip.baselines.maps import pixel_maps
from fusionmedclip.baselines.nearest import Nearest
from fusionmedclip.baselines.patch_features import embed_patches, patch_vectors
from fusionmedclip.baselines.patchcore.coreset import greedy_coreset
from fusionmedclip.baselines.patchcore.settings import PatchCoreSettings
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.detector import FeatureDetector, Progress, Scores

__all__ = ["PatchCore"]


class PatchCore(FeatureDetector):
    """Memory of normal patches; an image is as anomalous as its patch farthest from all of them.

    Parameters
    ----------
    backbone : Backbone
        Officially WideResNet-50-2 with ImageNet weights.
    settings : PatchCoreSettings, optional
    """

    needs_backbone = True

    def __init__(self, *, backbone: Backbone, settings: PatchCoreSettings | None = None):
        self.settings = settings or PatchCoreSettings()
        self.backbone = backbone
        self.layers = self.settings.layers
        self.batch_size = self.settings.batch_size
        self._nearest: Nearest | None = None

    @torch.inference_mode()
    def fit(self, support: np.ndarray, *, seed: int = 0, progress: Progress | None = None) -> Self:
        """Keep the patches of (k, H, W) normal images, or a coreset of them."""
        maps = self.features(support)
        memory = torch.cat(
            [patch_vectors(self.embed([m[i : i + 1] for m in maps])) for i in range(len(support))]
        )
        if len(memory) > self.settings.coreset_above and self.settings.coreset_fraction < 1:
            count = max(1, int(len(memory) * self.settings.coreset_fraction))
            rows = greedy_coreset(
                memory,
                count,
                projection_dim=self.settings.projection_dim,
                starting_points=self.settings.starting_points,
                seed=seed,
            )
            memory = memory[rows]
        self._nearest = Nearest(memory)
        if progress is not None:
            progress({"step": 1, "patches": len(memory)})
        return self

    @torch.inference_mode()
    def score_features(self, maps: Sequence[np.ndarray], size: tuple[int, int]) -> Scores:
        """Score N images from their feature maps; see ``FeatureDetector``.

        One image at a time: the shapes of all products are then the same whatever N is, and so are the bits.
        """
        grids = torch.cat([self._patch_scores([m[i : i + 1] for m in maps]) for i in range(len(maps[0]))])
        return Scores(
            grids.flatten(1).amax(dim=1).double().cpu().numpy(),
            pixel_maps(grids, size, sigma=self.settings.sigma),
        )

    def _patch_scores(self, maps: Sequence[np.ndarray]) -> Tensor:
        embedded = self.embed(maps)
        distances, _ = fitted(self._nearest, "PatchCore").squared_distances(patch_vectors(embedded))
        if not self.settings.squared:
            distances = distances.sqrt()
        return distances.view(1, *embedded.shape[-2:])

    def embed(self, maps: Sequence[np.ndarray | Tensor]) -> Tensor:
        """(B, D, h, w) vectors of patches, of their feature maps."""
        device = self.backbone.mean.device
        return embed_patches(
            [torch.as_tensor(m, device=device) for m in maps],
            embedding=self.settings.embedding,
            patch_size=self.settings.patch_size,
            pretrain_dim=self.settings.pretrain_dim,
            target_dim=self.settings.target_dim,
        )

    @property
    def memory(self) -> Tensor:
        """(M, D) vectors of normal patches."""
        return fitted(self._nearest, "PatchCore").memory

    def save(self, folder: Path) -> None:
        """Write the memory."""
        save_tensors({"memory": self.memory}, folder)

    def restore(self, folder: Path) -> Self:
        """Read a memory that :meth:`save` wrote."""
        self._nearest = Nearest(load_tensors(folder)["memory"].to(self.backbone.mean.device))
        return self

"""WinCLIP+: windows against text, and against windows of the support set (Jeong et al., CVPR 2023)."""

from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fusionmedclip.baselines.nearest import Nearest
from fusionmedclip.baselines.resizing import resize_maps
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.baselines.text_states import anomaly_probability, state_embeddings
from fusionmedclip.baselines.winclip.settings import WinCLIPSettings
from fusionmedclip.baselines.winclip.windows import harmonic_patches, window_embeddings
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.batches import even_batches
from fusionmedclip.models.detector import Detector, Progress, Scores, join

__all__ = ["WinCLIP"]


class WinCLIP(Detector):
    """Mean of what text says of windows and of how far they lie from the support set's.

    Parameters
    ----------
    backbone : Backbone
        With a text tower; the paper's is ViT-B/16+ at 240 pixels.
    settings : WinCLIPSettings, optional
    """

    needs_backbone = True

    def __init__(self, *, backbone: Backbone, settings: WinCLIPSettings | None = None):
        if backbone.clip_model is None:
            raise InputError("WinCLIP needs a text tower", hint="take a backbone of kind open_clip")
        self.settings = settings or WinCLIPSettings()
        self.backbone = backbone
        self._states: Tensor | None = None
        self._memories: dict[int, Nearest] = {}

    @torch.inference_mode()
    def fit(self, support: np.ndarray, *, seed: int = 0, progress: Progress | None = None) -> Self:
        """Embed the phrases, and keep patches and windows of (k, H, W) normal images."""
        self._states = state_embeddings(self.backbone, self.settings.prompts, self.settings.subject)
        seen: dict[int, list[Tensor]] = {}
        for start in range(0, len(support), self.settings.batch_size):
            pixels = self.backbone.pixels(support[start : start + self.settings.batch_size])
            for side, embeddings in self._views(pixels)[0].items():
                seen.setdefault(side, []).append(F.normalize(embeddings, dim=-1).flatten(0, 1))
        self._memories = {side: Nearest(torch.cat(parts)) for side, parts in seen.items()}
        return self

    def _views(self, pixels: Tensor) -> tuple[dict[int, Tensor], tuple[int, int]]:
        """Patches (side 1, raw) and windows (projected) of (B, 3, H, W) pixels, and the grid of patches."""
        patches = self.backbone.feature_maps(pixels, [self.backbone.depth()])[0]
        grid = (int(patches.shape[2]), int(patches.shape[3]))
        scales = [side for side in self.settings.scales if side <= min(grid)]
        views = {side: window_embeddings(self.backbone, pixels, side) for side in scales}
        return {1: patches.flatten(2).transpose(1, 2), **views}, grid

    @torch.inference_mode()
    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) images in [0, 1]."""
        states = fitted(self._states, "WinCLIP")
        parts = []
        for batch, kept in even_batches(images, self.settings.batch_size):
            scores, maps = self._score(self.backbone.pixels(batch), states)
            parts.append(
                Scores(scores.double().cpu().numpy(), resize_maps(maps, batch.shape[1:])).first(kept)
            )
        return join(parts)

    def _score(self, pixels: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        views, grid = self._views(pixels)
        near = torch.stack([self._association(views[side], grid, side) for side in views]).mean(dim=0)
        if not self.settings.language:
            return near.flatten(1).amax(dim=1), near
        tau = self.settings.temperature
        image = anomaly_probability(self.backbone.clip_model.encode_image(pixels), states, tau)
        inverse = [1 / image[:, None, None].expand(-1, *grid)]
        for side in views:
            if side > 1:
                windows = anomaly_probability(views[side], states, tau)
                inverse.append(1 / harmonic_patches(windows, grid, side))
        text = len(inverse) / torch.stack(inverse).sum(dim=0)
        return (image + near.flatten(1).amax(dim=1)) / 2, (text + near) / 2

    def _association(self, embeddings: Tensor, grid: tuple[int, int], side: int) -> Tensor:
        """Half the cosine distance to the nearest of the support set, brought to patches: (B, h, w)."""
        unit = F.normalize(embeddings, dim=-1)
        rows = [self._memories[side].squared_distances(image)[0] / 4 for image in unit]
        distances = torch.stack(rows)
        if side == 1:
            return distances.unflatten(1, grid)
        return harmonic_patches(distances.clamp(min=1e-6), grid, side)

    def save(self, folder: Path) -> None:
        """Write text embeddings and memories."""
        memories = {f"memory.{side}": nearest.memory for side, nearest in self._memories.items()}
        save_tensors({"states": fitted(self._states, "WinCLIP"), **memories}, folder)

    def restore(self, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        device = self.backbone.mean.device
        tensors = {name: tensor.to(device) for name, tensor in load_tensors(folder).items()}
        self._states = tensors.pop("states")
        self._memories = {int(name.rpartition(".")[2]): Nearest(memory) for name, memory in tensors.items()}
        return self

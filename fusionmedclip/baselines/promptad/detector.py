"""PromptAD: what learnt prompts say of an image and its patches, and how far these are from normal ones."""

from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from fusionmedclip.baselines.maps import pixel_maps
from fusionmedclip.baselines.nearest import Nearest
from fusionmedclip.baselines.patch_features import on_one_grid, patch_vectors
from fusionmedclip.baselines.promptad.prompts import StatePrompts, prompt_loss
from fusionmedclip.baselines.promptad.settings import PromptADSettings
from fusionmedclip.baselines.promptad.views import Views, views
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.baselines.training import counted
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.batches import even_batches
from fusionmedclip.models.detector import Detector, Progress, Scores, join

__all__ = ["PromptAD"]


class PromptAD(Detector):
    """Learnt prompts beside a memory of normal patches (Li et al., CVPR 2024).

    The published code keeps the epoch that does best on the test set; here it is the last one.

    Parameters
    ----------
    backbone : Backbone
        With a text tower; the paper's is ViT-B/16+ at 240 pixels.
    settings : PromptADSettings, optional
    """

    needs_backbone = True
    colour = True

    def __init__(self, *, backbone: Backbone, settings: PromptADSettings | None = None):
        if backbone.clip_model is None:
            raise InputError("PromptAD needs a text tower", hint="take a backbone of kind open_clip")
        self.settings = settings or PromptADSettings()
        self.backbone = backbone
        self._states: dict[str, Tensor] = {}
        self._memories: list[Nearest] = []

    @property
    def scale(self) -> Tensor:
        """Of cosines: the logarithm of CLIP's scale, as the published code takes it wherever it scales."""
        return self.backbone.clip_model.logit_scale.detach()

    def fit(self, support: np.ndarray, *, seed: int = 0, progress: Progress | None = None) -> Self:
        """Keep patches of (k, H, W) normal images, and learn prompts for the image score and for the map."""
        s = self.settings
        seen = self._views(support)
        self._memories = [Nearest(patch_vectors(depth)) for depth in seen.depths]
        features = {"image": seen.image, "map": seen.patches.flatten(2).transpose(1, 2)}
        self.trained = {}
        for task, count in (("image", s.image_prompts), ("map", s.map_prompts)):
            prompts = StatePrompts(self.backbone, s, count, seed, "promptad", task)
            self._learn(prompts, features[task], task, progress)
            with torch.no_grad():
                self._states[task] = prompts(self.backbone).states
            self.trained |= counted(**{f"{task}_prompts": prompts})
        return self

    def _learn(self, prompts: StatePrompts, features: Tensor, task: str, progress: Progress | None) -> None:
        s = self.settings
        optimiser = torch.optim.SGD(
            prompts.parameters(), lr=s.learning_rate, momentum=s.momentum, weight_decay=s.weight_decay
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(1, s.steps), s.final_rate)
        for step in range(s.steps):
            texts = prompts(self.backbone)
            loss = prompt_loss(features, texts, scale=self.scale, match_weight=s.match_weight)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            if progress is not None:
                progress({"step": step + 1, f"{task}_loss": loss.item()})

    @torch.no_grad()
    def _views(self, images: np.ndarray) -> Views:
        s = self.settings
        parts = []
        for batch, kept in even_batches(images, s.batch_size):
            seen = views(self.backbone, self.backbone.pixels(batch), s.layers, s.value_blocks)
            parts.append(Views(seen.image[:kept], seen.patches[:kept], [d[:kept] for d in seen.depths]))
        image, patches, depths = zip(*parts, strict=True)
        return Views(torch.cat(image), torch.cat(patches), [torch.cat(d) for d in zip(*depths, strict=True)])

    @torch.no_grad()
    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) images in [0, 1]."""
        fitted(self._states or None, "PromptAD")
        parts = []
        for batch, kept in even_batches(images, self.settings.batch_size):
            parts.append(self._score(self._views(batch), batch.shape[1:3]).first(kept))
        return join(parts)

    def _score(self, seen: Views, size: tuple[int, int]) -> Scores:
        far = self._distances(seen)
        highest = torch.as_tensor(pixel_maps(far, size, sigma=0).max(axis=(1, 2)), device=far.device)
        image = self._abnormal(seen.image, "image")
        patches = on_one_grid(
            [far.unsqueeze(1), self._abnormal(seen.patches.movedim(1, -1), "map").unsqueeze(1)]
        )
        maps = _harmonic(*(p.squeeze(1) for p in patches))
        return Scores(
            _harmonic(highest, image).double().cpu().numpy(),
            pixel_maps(maps, size, sigma=self.settings.sigma),
        )

    def _abnormal(self, unit: Tensor, task: str) -> Tensor:
        """What the prompts give the abnormal state, of (..., D) unit vectors: (...) in [0, 1]."""
        return (self.scale * (unit @ self._states[task].T)).softmax(dim=-1)[..., 1]

    def _distances(self, seen: Views) -> Tensor:
        """Half the cosine distance to the nearest of the support set, mean of all depths: (B, h, w)."""
        grids = []
        for depth, memory in zip(seen.depths, self._memories, strict=True):
            # Of unit vectors: |a - b|^2 = 2 (1 - cos).
            rows = [memory.squared_distances(patch_vectors(image[None]))[0] / 4 for image in depth]
            grids.append(torch.stack(rows).view(len(depth), 1, *depth.shape[-2:]))
        return torch.stack(on_one_grid(grids)).mean(dim=0).squeeze(1)

    def save(self, folder: Path) -> None:
        """Write text embeddings and memories."""
        fitted(self._states or None, "PromptAD")
        memories = {f"memory.{i}": nearest.memory for i, nearest in enumerate(self._memories)}
        save_tensors({**{f"states.{task}": t for task, t in self._states.items()}, **memories}, folder)

    def restore(self, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        tensors = {n: t.to(self.backbone.mean.device) for n, t in load_tensors(folder).items()}
        self._states = {task: tensors[f"states.{task}"] for task in ("image", "map")}
        self._memories = [Nearest(tensors[f"memory.{i}"]) for i in range(len(self.settings.layers))]
        return self


def _harmonic(one: Tensor, other: Tensor) -> Tensor:
    """1 / (1 / a + 1 / b), zero where either is."""
    return one * other / (one + other).clamp(min=torch.finfo(one.dtype).tiny)

"""SuperSimpleNet: a map and a score from features, learnt on noise in features (Rolih et al., ICPR 2024)."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.functional import gaussian_blur

from fusionmedclip.baselines.supersimplenet.network import SuperSimpleHead, training_loss
from fusionmedclip.baselines.supersimplenet.noise import noise_masks
from fusionmedclip.baselines.supersimplenet.settings import SuperSimpleNetSettings
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.baselines.training import batches, counted, keyed_torch
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.detector import FeatureDetector, Progress, Scores
from fusionmedclip.randomness import generator, torch_generator

__all__ = ["SuperSimpleNet"]


class SuperSimpleNet(FeatureDetector):
    """Two heads on adapted features: one says where, one whether.

    Parameters
    ----------
    backbone : Backbone
        Officially WideResNet-50-2 with ImageNet weights.
    settings : SuperSimpleNetSettings, optional
    """

    needs_backbone = True

    def __init__(self, *, backbone: Backbone, settings: SuperSimpleNetSettings | None = None):
        self.settings = settings or SuperSimpleNetSettings()
        self.backbone = backbone
        self.layers = self.settings.layers
        self.batch_size = self.settings.batch_size
        self._head: SuperSimpleHead | None = None

    def fit(self, support: np.ndarray, *, seed: int = 0, progress: Progress | None = None) -> Self:
        """Train adaptor and heads on the features of (k, H, W) normal images; the backbone is frozen."""
        s = self.settings
        _check_blur(s.sigma, support.shape)
        with torch.no_grad():
            features = self.embed(self.features(support))
        head = self._make(features.shape[1], seed).train()
        if s.standardise:
            head.mean.copy_(features.mean(dim=(0, 2, 3), keepdim=True))
            head.std.copy_(features.std(dim=(0, 2, 3), keepdim=True).clamp(min=1e-6))
        optimiser = torch.optim.AdamW(
            [
                {"params": head.adaptor.parameters(), "lr": s.adaptor_rate},
                {
                    "params": [
                        *head.of_map.parameters(),
                        *head.of_score.parameters(),
                        *head.last.parameters(),
                    ],
                    "lr": s.head_rate,
                    "weight_decay": s.weight_decay,
                },
            ]
        )
        milestones = [math.ceil(0.8 * s.steps), math.ceil(0.9 * s.steps)]
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, milestones, s.decay)
        self.trained = counted(adaptor=head.adaptor, map=head.of_map, score=head.of_score, last=head.last)
        for step, rows in enumerate(batches(len(features), s.train_batch, s.steps, seed, "supersimplenet")):
            adapted = head.adapted(features[torch.as_tensor(rows)]).repeat(2, 1, 1, 1)
            masks, noise = self._noise(adapted.shape, seed, step)
            found, score = head(adapted + noise.to(adapted.device) * masks.to(adapted.device))
            loss = training_loss(found, score, masks.to(adapted.device), margin=s.margin)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            if progress is not None:
                progress({"step": step + 1, "loss": loss.item()})
        self._head = head.eval()
        return self

    def _noise(self, shape: Sequence[int], seed: int, step: int) -> tuple[Tensor, Tensor]:
        """Where noise goes, and the noise."""
        rng = generator(seed, "supersimplenet", "masks", step)
        masks = noise_masks(shape[0], (shape[2], shape[3]), threshold=self.settings.noise_threshold, rng=rng)
        drawn = torch.randn(tuple(shape), generator=torch_generator(seed, "supersimplenet", "noise", step))
        return masks, self.settings.noise_std * drawn

    @torch.no_grad()
    def score_features(self, maps: Sequence[np.ndarray], size: tuple[int, int]) -> Scores:
        """Score N images from their feature maps, one at a time; see ``FeatureDetector``."""
        head = fitted(self._head, "SuperSimpleNet")
        scores, found = [], []
        for i in range(len(maps[0])):
            grid, score = head(head.adapted(self.embed([m[i : i + 1] for m in maps])))
            scores.append(score)
            found.append(self._map(grid, size))
        return Scores(torch.cat(scores).double().cpu().numpy(), torch.cat(found).cpu().numpy())

    def _map(self, grid: Tensor, size: tuple[int, int]) -> Tensor:
        """(1, H, W) of a (1, 1, h, w) map; the blur ends at three sigma and mirrors without the border."""
        wide = F.interpolate(grid, size=size, mode="bilinear", align_corners=False)
        sigma = self.settings.sigma
        return gaussian_blur(wide, 2 * math.ceil(3 * sigma) + 1, sigma)[:, 0] if sigma else wide[:, 0]

    def embed(self, maps: Sequence[np.ndarray | Tensor]) -> Tensor:
        """(B, D, 2 h, 2 w) features: layers on twice the first one's grid, averaged over neighbours."""
        tensors = [torch.as_tensor(m, device=self.backbone.mean.device) for m in maps]
        height, width = tensors[0].shape[-2:]
        size = (2 * height, 2 * width)
        wide = [F.interpolate(m, size=size, mode="bilinear", align_corners=True) for m in tensors]
        side = self.settings.patch_size
        return F.avg_pool2d(torch.cat(wide, dim=1), side, stride=1, padding=side // 2)

    def _make(self, dim: int, seed: int) -> SuperSimpleHead:
        with keyed_torch(seed, "supersimplenet", "weights"):
            head = SuperSimpleHead(dim, self.settings.hidden, self.settings.head)
        return head.to(self.backbone.mean.device)

    def save(self, folder: Path) -> None:
        """Write adaptor and heads."""
        save_tensors(fitted(self._head, "SuperSimpleNet").state_dict(), folder)

    def restore(self, folder: Path) -> Self:
        """Read weights that :meth:`save` wrote."""
        state = load_tensors(folder)
        head = self._make(state["adaptor.weight"].shape[0], 0)
        head.load_state_dict(state)
        self._head = head.eval()
        return self


def _check_blur(sigma: float, shape: Sequence[int]) -> None:
    """Before hours of training: a border can be mirrored no further than a picture goes."""
    widest = (min(shape[1:3]) - 1) // 3
    if math.ceil(3 * sigma) >= min(shape[1:3]):
        raise InputError(
            f"setting `sigma` is too wide for pictures of {shape[1]} x {shape[2]}",
            received=sigma,
            allowed=f"up to {widest}",
        )

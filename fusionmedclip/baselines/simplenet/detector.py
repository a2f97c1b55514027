"""SimpleNet: a discriminator of normal features from the same with Gaussian noise (Liu et al., CVPR 2023)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.baselines.made_anomalies import MadeAnomalies
from fusionmedclip.baselines.maps import pixel_maps
from fusionmedclip.baselines.patch_features import embed_patches, patch_vectors
from fusionmedclip.baselines.resuming import Resuming
from fusionmedclip.baselines.simplenet.settings import SimpleNetSettings
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.baselines.training import batches, counted, key_gpu, keyed_torch
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.detector import FeatureDetector, Progress, Scores
from fusionmedclip.randomness import torch_generator
from fusionmedclip.steps.ahead import Drawn
from fusionmedclip.steps.captured import captured, side_stream
from fusionmedclip.steps.optimisers import device_options

__all__ = ["SimpleNet", "SimpleNetHead", "covered_patches", "hinge_loss"]


class SimpleNetHead(nn.Module):
    """Projection and discriminator.

    Parameters
    ----------
    dim : int
        Of the patch features.
    hidden : int
        Width of the discriminator.
    projection : bool
    """

    mean: Tensor
    std: Tensor

    def __init__(self, dim: int, hidden: int, *, projection: bool = True):
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))
        self.projection = nn.Linear(dim, dim) if projection else nn.Identity()
        self.discriminator = nn.Sequential(
            nn.Linear(dim, hidden),
            nn.BatchNorm1d(hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, 1, bias=False),
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_normal_(module.weight)

    def adapted(self, features: Tensor) -> Tensor:
        """Projected (N, D) patch features, to which training adds noise."""
        return self.projection((features - self.mean) / self.std)

    def forward(self, features: Tensor) -> Tensor:
        """Normality D of (N, D) patch features: (N,), lower where more anomalous."""
        return self.discriminator(self.adapted(features)).squeeze(1)


def hinge_loss(normal: Tensor, noisy: Tensor, margin: float) -> Tensor:
    """Truncated hinge: normal features above +margin and noisy ones below -margin cost nothing.

    Parameters
    ----------
    normal, noisy : (N,) tensor
        The discriminator's outputs.
    """
    return (margin - normal).clamp(min=0).mean() + (margin + noisy).clamp(min=0).mean()


class SimpleNet(FeatureDetector):
    """Discriminator on frozen patch features; an image is as anomalous as its worst patch.

    Parameters
    ----------
    backbone : Backbone
        Officially WideResNet-50-2 with ImageNet weights.
    settings : SimpleNetSettings, optional
    """

    needs_backbone = True

    def __init__(self, *, backbone: Backbone, settings: SimpleNetSettings | None = None):
        self.settings = settings or SimpleNetSettings()
        self.backbone = backbone
        self.layers = self.settings.layers
        self.batch_size = self.settings.batch_size
        self._head: SimpleNetHead | None = None

    def fit(self, support: np.ndarray, *, seed: int = 0, progress: Progress | None = None) -> Self:
        """Train projection and discriminator on the patches of (k, H, W) normal images.

        The backbone is frozen and nothing is augmented, so the features are computed once.
        """
        s = self.settings
        maps = self.features(support)
        patches = self._patches(maps)
        head = self._make(patches.shape[-1], seed).train()
        if s.standardise:
            head.mean.copy_(patches.mean(dim=(0, 1)))
            head.std.copy_(patches.std(dim=(0, 1)).clamp(min=1e-6))
        made = None
        if s.synthesis is not None:
            made = MadeAnomalies(support, s.synthesis, seed=seed, purpose="simplenet")
        optimisers = _optimisers(head, s)
        self.trained = counted(projection=head.projection, discriminator=head.discriminator)
        loop = Resuming({}, progress=progress, device=patches.device)
        grid = maps[0].shape[-2:]
        draw = partial(self._drawn, made, seed, patches.shape[-1], grid)
        step_of = partial(self._step, head, optimisers, patches.flatten(0, 1))
        take = captured(step_of, patches.device, wanted=made is None)  # the host stores features of anomalies
        with keyed_torch(seed, "simplenet", "noise"), side_stream(patches.device):
            order = batches(len(patches), s.train_batch, s.steps, seed, "simplenet")
            for step, batch in loop.steps(order, draw):
                key_gpu(patches.device, seed, "simplenet", "noise", step)
                loop.done(step, take(*batch))
        self._head = head.eval()
        return self

    def _drawn(
        self,
        made: MadeAnomalies | None,
        seed: int,
        dim: int,
        grid: tuple[int, int],
        step: int,
        rows: np.ndarray,
    ) -> Drawn:
        """Which patches a step takes, and their noise; or images with anomalies and which patches of these.

        A GPU draws the noise itself: it is millions of numbers a step.
        """
        generator = torch_generator(seed, "simplenet", "noise", step)
        places = torch.arange(grid[0] * grid[1])
        taken = self._few((torch.as_tensor(rows)[:, None] * len(places) + places).flatten(), generator)
        if made is not None:
            images, masks = made.batch(step, rows)
            covered = covered_patches(torch.as_tensor(masks), grid).flatten().nonzero().flatten()
            return taken, images, self._few(covered, generator)
        if self.backbone.mean.is_cuda:
            return (taken,)
        return taken, torch.randn((len(taken), dim), generator=generator)

    def _few(self, patches: Tensor, generator: torch.Generator) -> Tensor:
        count = self.settings.train_patches
        if count is None or count >= len(patches):
            return patches
        return patches[torch.randperm(len(patches), generator=generator)[:count]]

    def _step(
        self,
        head: SimpleNetHead,
        optimisers: list[torch.optim.Optimizer],
        patches: Tensor,
        taken: Tensor,
        *drawn: Tensor,
    ) -> dict[str, Tensor]:
        s = self.settings
        features = head.adapted(patches[taken])
        if s.synthesis is None:
            noise = drawn[0] if drawn else torch.randn(features.shape, device=features.device)
            fake = features + s.noise_std * noise
        else:
            images, covered = drawn
            fake = head.adapted(self._patches(self.features(images.numpy(force=True))).flatten(0, 1)[covered])
        outputs = head.discriminator(torch.cat([features, fake])).squeeze(1)
        loss = hinge_loss(outputs[: len(features)], outputs[len(features) :], s.margin)
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
        return {"loss": loss.detach()}

    @torch.inference_mode()
    def score_features(self, maps: Sequence[np.ndarray], size: tuple[int, int]) -> Scores:
        """Score N images from their feature maps, one at a time; see ``FeatureDetector``."""
        head = fitted(self._head, "SimpleNet")
        grids = []
        for i in range(len(maps[0])):
            embedded = self.embed([m[i : i + 1] for m in maps])
            grids.append(-head(patch_vectors(embedded)).view(1, *embedded.shape[-2:]))
        patch_scores = torch.cat(grids)
        return Scores(
            patch_scores.flatten(1).amax(dim=1).double().cpu().numpy(),
            pixel_maps(patch_scores, size, sigma=self.settings.sigma),
        )

    @torch.no_grad()
    def _patches(self, maps: Sequence[np.ndarray]) -> Tensor:
        """(k, P, D) patch features."""
        return torch.stack(
            [patch_vectors(self.embed([m[i : i + 1] for m in maps])) for i in range(len(maps[0]))]
        )

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

    def _make(self, dim: int, seed: int) -> SimpleNetHead:
        with keyed_torch(seed, "simplenet", "weights"):
            head = SimpleNetHead(dim, self.settings.hidden, projection=self.settings.projection)
        return head.to(self.backbone.mean.device)

    @property
    def head(self) -> SimpleNetHead:
        """Projection and discriminator, fitted."""
        return fitted(self._head, "SimpleNet")

    def save(self, folder: Path) -> None:
        """Write projection and discriminator."""
        save_tensors(self.head.state_dict(), folder)

    def restore(self, folder: Path) -> Self:
        """Read weights that :meth:`save` wrote."""
        state = load_tensors(folder)
        head = self._make(state["discriminator.0.weight"].shape[1], 0)
        head.load_state_dict(state)
        self._head = head.eval()
        return self


def covered_patches(masks: Tensor, grid: tuple[int, int]) -> Tensor:
    """Which patches an anomaly covers: by half at least or, of a small one, as much as any.

    Parameters
    ----------
    masks : (B, H, W) bool tensor
    grid : (int, int)
        Rows and columns of patches.

    Returns
    -------
    (B, rows * columns) bool tensor
        Some true for each mask that is not empty.
    """
    share = F.adaptive_avg_pool2d(masks.float().unsqueeze(1), grid).flatten(1)
    return (share > 0) & (share >= share.amax(dim=1, keepdim=True).clamp(max=0.5))


def _optimisers(head: SimpleNetHead, settings: SimpleNetSettings) -> list[torch.optim.Optimizer]:
    options = device_options(torch.optim.Adam, head.mean.device)
    optimisers: list[torch.optim.Optimizer] = [
        torch.optim.Adam(
            head.discriminator.parameters(),
            settings.discriminator_rate,
            weight_decay=settings.weight_decay,
            **options,
        )
    ]
    if settings.projection:
        optimisers.append(
            torch.optim.AdamW(head.projection.parameters(), settings.projection_rate, **options)
        )
    return optimisers

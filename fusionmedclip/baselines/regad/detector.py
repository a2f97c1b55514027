"""RegAD: registration learnt on other data sets, then Gaussians over the support set (ECCV 2022)."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from fusionmedclip.baselines.maps import pixel_maps
from fusionmedclip.baselines.regad.position_gaussians import PositionGaussians
from fusionmedclip.baselines.regad.registration import RegistrationNetwork, SiameseHeads
from fusionmedclip.baselines.regad.settings import RegADSettings
from fusionmedclip.baselines.regad.support_views import support_views
from fusionmedclip.baselines.resizing import resize_images
from fusionmedclip.baselines.resuming import Resuming
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.baselines.training import counted, in_own_precision, key_gpu, keyed_torch, trainable_copy
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.batches import even_batches
from fusionmedclip.models.checkpoints import Checkpoints
from fusionmedclip.models.detector import Detector, Progress, Scores, join
from fusionmedclip.randomness import generator
from fusionmedclip.steps.ahead import Drawn
from fusionmedclip.steps.captured import captured, side_stream
from fusionmedclip.steps.optimisers import device_options, rate_of, step_at

__all__ = ["RegAD"]


class RegAD(Detector):
    """Registered features of a position, far from the support set's Gaussian there, are anomalous.

    Parameters
    ----------
    backbone : Backbone
        Where training starts, officially ResNet-18 with ImageNet weights; it is copied, not changed.
    settings : RegADSettings, optional
    """

    needs_backbone = True
    resumes = True
    meta_sets = True

    def __init__(self, *, backbone: Backbone, settings: RegADSettings | None = None):
        self.settings = settings or RegADSettings()
        self.backbone = backbone
        self._network: RegistrationNetwork | None = None
        self._support: np.ndarray | None = None
        self._gaussians: PositionGaussians | None = None

    @property
    def device(self) -> str:
        """Where the backbone lies, and its trained copy."""
        return str(self.backbone.mean.device)

    @in_own_precision
    def fit(
        self,
        support: np.ndarray,
        *,
        seed: int = 0,
        progress: Progress | None = None,
        meta: Mapping[str, np.ndarray] | None = None,
        checkpoints: Checkpoints | None = None,
        learnt: Path | None = None,
    ) -> Self:
        """Learn to register, then take the statistics of (k, H, W) normal images.

        Parameters
        ----------
        support, seed, progress
            See ``Detector``.
        meta : mapping of data set name to (N, H, W) float32 arrays
            Normals of the other data sets; unused where ``meta_source`` is ``support``.
        learnt : Path, optional
            Folder that :meth:`save_learnt` wrote: registration is taken from there, as it would be learnt.
        """
        images = resize_images(support, self.settings.image_size)
        if learnt is None:
            sets = {"support": images} if self.settings.meta_source == "support" else meta
            self._learn(sets, images.shape[1], k=len(images), seed=seed, progress=progress, kept=checkpoints)
        else:
            self._take(load_tensors(learnt), images.shape[1])
        self._take_statistics(images)
        return self

    @in_own_precision
    def learn(
        self,
        meta: Mapping[str, np.ndarray],
        *,
        seed: int = 0,
        progress: Progress | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> Self:
        """Registration alone, where it does not depend on the support set (``settings.learns_ahead``).

        Parameters
        ----------
        meta, seed, progress, checkpoints
            See :meth:`fit`.
        """
        shots = self.settings.meta_shots
        if not self.settings.learns_ahead or shots is None:
            raise InputError("RegAD learns with the support set here", hint="set `meta_shots` to a number")
        side = self.settings.image_size or next(iter(meta.values())).shape[1]
        self._learn(meta, side, k=shots, seed=seed, progress=progress, kept=checkpoints)
        return self

    def _learn(
        self,
        meta: Mapping[str, np.ndarray] | None,
        size: int,
        *,
        k: int,
        seed: int,
        progress: Progress | None,
        kept: Checkpoints | None,
    ) -> None:
        sets = self._meta_sets(meta or {}, size)
        network, heads = self._make(size, seed)
        self._count(network, heads)
        self._train(network, heads, sets, k=k, seed=seed, progress=progress, checkpoints=kept)
        self._network = network.eval().requires_grad_(False)

    def _take(self, state: dict[str, Tensor], size: int) -> None:
        network, heads = self._make(size, 0)
        self._count(network, heads)
        network.load_state_dict(state)
        self._network = network.eval().requires_grad_(False)

    def _count(self, network: RegistrationNetwork, heads: SiameseHeads) -> None:
        self.trained = counted(registration=network, heads=heads) if self.settings.meta_steps else {}

    def _meta_sets(self, meta: Mapping[str, np.ndarray], size: int) -> list[np.ndarray]:
        if self.settings.meta_steps == 0:
            return []
        sets = {name: meta[name] for name in sorted(meta)}
        usable = [resize_images(rows, size) for rows in sets.values() if len(rows) > 1]
        if not usable:
            raise InputError(
                "RegAD has nothing to learn registration from",
                received={name: len(rows) for name, rows in sets.items()},
                allowed="at least one set of two or more normal images",
                hint="give the other data sets' normals as `meta`, or set `meta_source: support`",
            )
        return usable

    def _make(self, size: int, seed: int) -> tuple[RegistrationNetwork, SiameseHeads]:
        device = self.backbone.mean.device
        with keyed_torch(seed, "regad", "weights"):
            network = RegistrationNetwork(
                trainable_copy(self.backbone),
                self.settings.layers,
                size=size,
                normalise=self.settings.normalise,
            )
            heads = SiameseHeads(network.channels[-1])
        return network.to(device), heads.to(device)

    def _train(
        self,
        network: RegistrationNetwork,
        heads: SiameseHeads,
        sets: list[np.ndarray],
        *,
        k: int,
        seed: int,
        progress: Progress | None,
        checkpoints: Checkpoints | None,
    ) -> None:
        s, device = self.settings, self.backbone.mean.device
        network.train()
        heads.train()
        parameters = [*network.parameters(), *heads.parameters()]
        optimiser = torch.optim.SGD(
            parameters, s.learning_rate, momentum=s.momentum, **device_options(torch.optim.SGD, device)
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(s.meta_steps, 1))
        shots = s.meta_shots or k
        parts = {"network": network, "heads": heads, "optimiser": optimiser, "schedule": schedule}

        def draw(step: int, _: int) -> Drawn:
            return _episode(sets, s.meta_batch, shots, generator(seed, "regad", "meta", step))

        loop = Resuming(parts, checkpoints=checkpoints, progress=progress, device=device)
        take = captured(partial(_step, network, heads, optimiser), device)
        with keyed_torch(seed, "regad", "dropout"), side_stream(device):
            for step, batch in loop.steps(range(s.meta_steps), draw):
                key_gpu(device, seed, "regad", "dropout", step)
                values = take(*batch, *rate_of(optimiser, device))
                schedule.step()
                loop.done(step, values)

    @torch.inference_mode()
    def _take_statistics(self, images: np.ndarray) -> None:
        self._support = images
        views = support_views(torch.as_tensor(images, device=self.backbone.mean.device))
        self._gaussians = PositionGaussians.fit(self._embedded(views).flatten(2), ridge=self.settings.ridge)

    def _embedded(self, images: Tensor) -> Tensor:
        """(N, C, H, W) registered features of (N, S, S) images."""
        network = fitted(self._network, "RegAD")
        return torch.cat([network.registered(part) for part in images.split(self.settings.batch_size)])

    @in_own_precision
    @torch.inference_mode()
    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) images in [0, 1]: the smoothed map's maximum, and the map."""
        gaussians = fitted(self._gaussians, "RegAD")
        parts = []
        for batch, kept in even_batches(images, self.settings.batch_size):
            seen = resize_images(batch, self.settings.image_size)
            features = self._embedded(torch.as_tensor(seen, device=self.backbone.mean.device))
            grid = gaussians.distances(features.flatten(2)).unflatten(1, features.shape[-2:])
            maps = pixel_maps(grid, batch.shape[1:], sigma=self.settings.sigma)
            parts.append(Scores(maps.max(axis=(1, 2)).astype(np.float64), maps).first(kept))
        return join(parts)

    def save(self, folder: Path) -> None:
        """Write the network and the support images, from which the Gaussians follow.

        The Gaussians themselves are gigabytes. Note that the folder then holds the support images.
        """
        network = fitted(self._network, "RegAD")
        support = torch.from_numpy(np.ascontiguousarray(self._support))
        save_tensors({**network.state_dict(), "support": support}, folder)

    def save_learnt(self, folder: Path) -> None:
        """Write the network alone, for ``fit`` with other support sets."""
        save_tensors(fitted(self._network, "RegAD").state_dict(), folder)

    def restore(self, folder: Path) -> Self:
        """Read what :meth:`save` wrote, and take the statistics again."""
        tensors = load_tensors(folder)
        support = tensors.pop("support").numpy()
        self._take(tensors, support.shape[1])
        self._take_statistics(support)
        return self


def _step(
    network: RegistrationNetwork,
    heads: SiameseHeads,
    optimiser: torch.optim.Optimizer,
    query: Tensor,
    support: Tensor,
    *rate: Tensor,
) -> dict[str, Tensor]:
    """One step on the queries (B, S, S) of an episode and its support (B, K, S, S)."""
    last = network(query)[0][-1]
    shown = network(support.flatten(0, 1))[0][-1].unflatten(0, support.shape[:2]).mean(dim=1)
    loss = heads(last, shown)
    optimiser.zero_grad()
    loss.backward()
    step_at(optimiser, *rate)
    return {"loss": loss.detach()}


def _episode(
    sets: list[np.ndarray], batch: int, shots: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Queries (B, S, S) of one set and, for each, K others of that set (B, K, S, S).

    Sets are drawn in proportion to their sizes.
    """
    sizes = np.array([len(rows) for rows in sets])
    images = sets[rng.choice(len(sets), p=sizes / sizes.sum())]
    rows = rng.permutation(len(images))[:batch]
    # An offset of 1 to N - 1, modulo N, is any image but the query itself.
    offsets = rng.integers(1, len(images), size=(len(rows), shots))
    return images[rows], images[(rows[:, None] + offsets) % len(images)]

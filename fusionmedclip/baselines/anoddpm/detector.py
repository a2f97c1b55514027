"""AnoDDPM: partial diffusion with simplex noise, and the error of the way back (Wyatt et al., CVPRW 2022)."""

from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.baselines.affine_views import random_affine
from fusionmedclip.baselines.anoddpm.diffusion import Diffusion, linear_variances
from fusionmedclip.baselines.anoddpm.settings import AnoDDPMSettings
from fusionmedclip.baselines.anoddpm.simplex import SimplexNoise
from fusionmedclip.baselines.anoddpm.unet import DiffusionUNet
from fusionmedclip.baselines.resizing import resize_images, resize_maps
from fusionmedclip.baselines.resuming import Resuming
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.baselines.training import batches, counted, in_own_precision, keyed_torch
from fusionmedclip.models.batches import even_batches
from fusionmedclip.models.checkpoints import Checkpoints
from fusionmedclip.models.detector import Detector, Progress, Scores, join
from fusionmedclip.randomness import generator, torch_generator
from fusionmedclip.steps.ahead import Drawn
from fusionmedclip.steps.captured import captured, side_stream
from fusionmedclip.steps.optimisers import device_options

__all__ = ["AnoDDPM"]


class AnoDDPM(Detector):
    """What noising and denoising an image does not give back is anomalous.

    Parameters
    ----------
    settings : AnoDDPMSettings, optional
    device : str
    """

    needs_backbone = False
    resumes = True

    def __init__(self, *, settings: AnoDDPMSettings | None = None, device: str = "cpu"):
        s = self.settings = settings or AnoDDPMSettings()
        self.device = device
        self.diffusion = Diffusion(linear_variances(s.timesteps))
        self._simplex = SimplexNoise(
            s.image_size, octaves=s.octaves, persistence=s.persistence, frequency=s.frequency
        )
        self._network: nn.Module | None = None
        self._seed = 0

    @in_own_precision
    def fit(
        self,
        support: np.ndarray,
        *,
        seed: int = 0,
        progress: Progress | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> Self:
        """Train a U-Net from random weights to predict the noise in (k, H, W) normal images."""
        s = self.settings
        images = resize_images(support, s.image_size)
        network, averaged = self._make(seed).train(), self._make(seed).eval()
        self.trained = counted(network=network)
        device = torch.device(self.device)
        options = device_options(torch.optim.AdamW, device)
        optimiser = torch.optim.AdamW(network.parameters(), s.learning_rate, weight_decay=0.0, **options)
        parts = {"network": network, "averaged": averaged, "optimiser": optimiser}
        loop = Resuming(parts, checkpoints=checkpoints, progress=progress, device=device)
        take = captured(partial(self._step, network, optimiser), device)
        order = batches(len(images), s.train_batch, s.budget(len(images)), seed, "anoddpm")
        with side_stream(device):
            for step, batch in loop.steps(order, partial(self._example, images, seed)):
                values = take(*batch)
                _average(averaged, network, min(s.ema, (1 + step) / (10 + step)))
                loop.done(step, values)
        self._network = averaged.requires_grad_(False)
        self._seed = seed
        return self

    def _make(self, seed: int) -> nn.Module:
        s = self.settings
        with keyed_torch(seed, "anoddpm", "weights"):
            network = DiffusionUNet(
                s.channels, s.attention, blocks=s.residual_blocks, heads=s.heads, groups=s.norm_groups
            )
        return network.to(self.device)

    def _step(
        self, network: nn.Module, optimiser: torch.optim.Optimizer, clean: Tensor, t: Tensor, noise: Tensor
    ) -> dict[str, Tensor]:
        loss = F.mse_loss(network(self.diffusion.noised(clean, t, noise), t), noise)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), self.settings.gradient_norm)
        optimiser.step()
        return {"loss": loss.detach()}

    def _example(self, images: np.ndarray, seed: int, step: int, rows: np.ndarray) -> Drawn:
        """Images in [-1, 1], their steps, and the noise for them."""
        s = self.settings
        views, times, fields = [], [], []
        for place, row in enumerate(rows):
            rng = generator(seed, "anoddpm", "views", step, place)
            views.append(random_affine(images[row], rng, degrees=s.degrees, translation=s.translation))
            times.append(int(rng.integers(s.train_timesteps)))
            fields.append(self._field(seed, "anoddpm", "noise", step, place))
        clean = torch.as_tensor(np.stack(views)[:, None]) * 2 - 1
        return clean, torch.tensor(times), torch.cat(fields)

    def _field(self, *purpose: int | str) -> Tensor:
        """(1, 1, S, S) noise, drawn on the CPU."""
        if self.settings.noise == "simplex":
            field = torch.from_numpy(self._simplex.field(*purpose))
        else:
            size = self.settings.image_size
            field = torch.randn(size, size, generator=torch_generator(*purpose))
        return field[None, None]

    @in_own_precision
    @torch.inference_mode()
    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) images in [0, 1]; maps are squared errors of images in [-1, 1].

        All images get the same noise, so that a score does not depend on what was scored beside it.
        """
        network = fitted(self._network, "AnoDDPM")
        parts = []
        for batch, kept in even_batches(images, self.settings.batch_size):
            error = self._error(network, resize_images(batch, self.settings.image_size))
            flat = error.flatten(1)
            scores = flat.mean(dim=1) if self.settings.score == "mean" else flat.amax(dim=1)
            parts.append(
                Scores(scores.double().cpu().numpy(), resize_maps(error, batch.shape[1:])).first(kept)
            )
        return join(parts)

    def _error(self, network: nn.Module, images: np.ndarray) -> Tensor:
        s = self.settings
        clean = torch.as_tensor(images[:, None], device=self.device) * 2 - 1
        t = torch.full((len(clean),), s.test_timesteps - 1, device=self.device, dtype=torch.int64)
        noised = self.diffusion.noised(clean, t, self._field(self._seed, "anoddpm", "test").to(self.device))
        back = self.diffusion.back(
            network,
            noised,
            start=s.test_timesteps,
            steps=s.reverse_steps,
            noise=lambda step: self._field(self._seed, "anoddpm", "back", step).to(self.device),
        )
        return (clean - back).square().squeeze(1)

    def save(self, folder: Path) -> None:
        """Write the averaged weights, and the seed that keys the noise of scoring."""
        network = fitted(self._network, "AnoDDPM")
        save_tensors({**network.state_dict(), "seed": torch.tensor(self._seed)}, folder)

    def restore(self, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        tensors = load_tensors(folder)
        self._seed = int(tensors.pop("seed"))
        network = self._make(0)
        network.load_state_dict(tensors)
        self._network = network.eval().requires_grad_(False)
        return self


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(list(averaged.parameters()), list(network.parameters()), 1 - decay)

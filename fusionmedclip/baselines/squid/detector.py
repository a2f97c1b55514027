"""SQUID: reconstruction from memories of normal patches, judged by a discriminator (CVPR 2023)."""

from functools import partial
from pathlib import Path
from typing import Self, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fusionmedclip.baselines.affine_views import random_affine
from fusionmedclip.baselines.made_anomalies import MadeAnomalies
from fusionmedclip.baselines.resizing import resize_images, resize_maps
from fusionmedclip.baselines.resuming import Resuming
from fusionmedclip.baselines.squid.network import Discriminator, Generator
from fusionmedclip.baselines.squid.settings import SQUIDSettings
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.baselines.training import batches, counted, in_own_precision, key_gpu, keyed_torch
from fusionmedclip.models.batches import even_batches
from fusionmedclip.models.checkpoints import Checkpoints
from fusionmedclip.models.detector import Detector, Progress, Scores, join
from fusionmedclip.randomness import generator
from fusionmedclip.steps.ahead import Drawn
from fusionmedclip.steps.captured import captured, side_stream
from fusionmedclip.steps.optimisers import device_options, rate_of, step_at

__all__ = ["SQUID"]


class SQUID(Detector):
    """An image whose reconstruction the discriminator takes for unreal is anomalous.

    Parameters
    ----------
    settings : SQUIDSettings, optional
    device : str
    """

    needs_backbone = False
    resumes = True

    def __init__(self, *, settings: SQUIDSettings | None = None, device: str = "cpu"):
        self.settings = settings or SQUIDSettings()
        self.device = device
        self._networks: torch.nn.ModuleDict | None = None

    @in_own_precision
    def fit(
        self,
        support: np.ndarray,
        *,
        seed: int = 0,
        progress: Progress | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> Self:
        """Train generator and discriminator from random weights on (k, H, W) normal images."""
        s, device = self.settings, torch.device(self.device)
        images = resize_images(support, s.image_size)
        networks = self._make(seed).train()
        made = cast(Generator, networks["generator"])
        judge = cast(Discriminator, networks["discriminator"])
        optimisers = _optimisers(networks, s)
        self.trained = counted(generator=made, discriminator=judge)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimisers[0],
            max(1, round(1.5 * s.steps / s.critic_steps)),
            eta_min=s.learning_rate * s.final_rate_share,
        )
        anomalies = None
        if s.synthesis is not None:
            anomalies = MadeAnomalies(images, s.synthesis, seed=seed, purpose="squid")
        parts = {"networks": networks, "made": optimisers[0], "judged": optimisers[1], "schedule": schedule}
        loop = Resuming(parts, checkpoints=checkpoints, progress=progress, device=device)
        judged = captured(partial(_judge_step, made, judge, optimisers[1], s), device)
        generated = captured(partial(_generator_step, made, judge, optimisers[0], s), device)
        with keyed_torch(seed, "squid", "masks"), side_stream(device):
            order = batches(len(images), s.train_batch, s.steps, seed, "squid")
            for step, batch in loop.steps(order, partial(self._views, images, anomalies, seed)):
                key_gpu(device, seed, "squid", "masks", step)
                losses = judged(*batch)
                if step % s.critic_steps == 0:
                    losses |= generated(batch[0], *rate_of(optimisers[0], device))
                    schedule.step()
                loop.done(step, losses)
        self._networks = networks.eval().requires_grad_(False)
        return self

    def _make(self, seed: int) -> torch.nn.ModuleDict:
        with keyed_torch(seed, "squid", "weights"):
            networks = torch.nn.ModuleDict(
                {
                    "generator": Generator(self.settings),
                    "discriminator": Discriminator(self.settings.image_size),
                }
            )
        return networks.to(self.device)

    def _augmented(self, images: np.ndarray, rows: np.ndarray, seed: int, step: int) -> Tensor:
        s = self.settings
        if len(rows) == 1:  # batch normalisation of a single 1 x 1 map has no variance
            rows = np.repeat(rows, 2)
        views = [
            random_affine(
                images[row],
                generator(seed, "squid", "views", step, place),
                translation=(s.translation, s.translation),
                scaling=s.scaling,
            )
            for place, row in enumerate(rows)
        ]
        return torch.as_tensor(np.stack(views)[:, None])

    def _views(
        self, images: np.ndarray, anomalies: MadeAnomalies | None, seed: int, step: int, rows: np.ndarray
    ) -> Drawn:
        """Real views (B, 1, S, S) and, where there are anomalies, these, moved as the real views."""
        real = self._augmented(images, rows, seed, step)
        if anomalies is None:
            return (real,)
        drawn = anomalies.batch(step, rows)[0]
        return real, self._augmented(drawn, np.arange(len(drawn)), seed, step)

    @in_own_precision
    @torch.inference_mode()
    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) images in [0, 1] as setting ``score`` says; map: the squared residual."""
        networks = fitted(self._networks, "SQUID")
        parts = []
        for batch, kept in even_batches(images, self.settings.batch_size):
            seen = resize_images(batch, self.settings.image_size)
            real = torch.as_tensor(seen[:, None], device=self.device)
            made = networks["generator"](real).student
            residual = (real - made).square().squeeze(1)
            if self.settings.score == "residual":
                scores = residual.flatten(1).mean(dim=1)
            else:
                judge = networks["discriminator"]
                scores = -(judge.alone if self.settings.judge_statistics == "image" else judge)(made)
            parts.append(
                Scores(scores.double().cpu().numpy(), resize_maps(residual, batch.shape[1:])).first(kept)
            )
        return join(parts)

    def save(self, folder: Path) -> None:
        """Write generator, memories and discriminator."""
        save_tensors(fitted(self._networks, "SQUID").state_dict(), folder)

    def restore(self, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        networks = self._make(0)
        networks.load_state_dict(load_tensors(folder))
        self._networks = networks.eval().requires_grad_(False)
        return self


def _optimisers(networks: torch.nn.ModuleDict, s: SQUIDSettings) -> list[torch.optim.Optimizer]:
    betas = (0.5, 0.999)
    options = device_options(torch.optim.Adam, next(networks.parameters()).device)
    return [
        torch.optim.Adam(
            networks["generator"].parameters(),
            s.learning_rate,
            eps=1e-7,
            betas=betas,
            weight_decay=s.weight_decay,
            **options,
        ),
        torch.optim.Adam(networks["discriminator"].parameters(), s.learning_rate, betas=betas, **options),
    ]


def _judge_step(
    made: Generator,
    judge: Discriminator,
    optimiser: torch.optim.Optimizer,
    s: SQUIDSettings,
    real: Tensor,
    *anomalous: Tensor,
) -> dict[str, Tensor]:
    """The discriminator learns to tell real views from reconstructions and, where there are, anomalies."""
    with torch.no_grad():
        fakes = [made(real).student, *anomalous]
    optimiser.zero_grad()
    logits_real = judge(real)
    loss = F.binary_cross_entropy_with_logits(logits_real, torch.ones_like(logits_real))
    for fake in fakes:
        logits = judge(fake)
        part = F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))
        loss = loss + part / len(fakes)
    (s.discriminator_weight * loss).backward()
    optimiser.step()
    return {"discriminator": loss.detach()}


def _generator_step(
    made: Generator,
    judge: Discriminator,
    optimiser: torch.optim.Optimizer,
    s: SQUIDSettings,
    real: Tensor,
    *rate: Tensor,
) -> dict[str, Tensor]:
    out = made(real)
    logits = judge(out.student)
    loss = (
        s.reconstruction_weight * F.mse_loss(out.student, real)
        + s.adversarial_weight * F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
        + s.teacher_weight * F.mse_loss(out.teacher, real)
        + s.distillation_weight * out.distance
    )
    optimiser.zero_grad()
    loss.backward(inputs=list(made.parameters()))  # the discriminator's gradients are its own step's
    step_at(optimiser, *rate)
    made.painting.remember()
    return {"generator": loss.detach()}

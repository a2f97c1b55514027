"""One training step: gradients of the whole batch's loss, however the batch is spread out."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.training.pretrain.distributed import World
from fusionmedclip.training.pretrain.dropout import Dropping, Masks
from fusionmedclip.training.pretrain.loss import contrastive_loss, equal_captions
from fusionmedclip.training.pretrain.mixup import GROUP, Mix, draw_mix, mix_images, mix_targets, mix_texts
from fusionmedclip.training.pretrain.settings import PretrainSettings

__all__ = ["BatchLoss", "TrainStep", "check_batch"]


def check_batch(settings: PretrainSettings, *, pairs: int, processes: int) -> None:
    """Refuse a batch that cannot be filled or spread over the processes."""
    batch = settings.batch_size
    if batch > pairs:
        raise InputError(
            "pretrain.batch_size is larger than the number of training pairs",
            received=batch,
            allowed=f"2 to {pairs}",
        )
    # Mixup's partners must lie in the same process.
    unit = processes * (GROUP if settings.mixup_alpha and processes > 1 else 1)
    if batch % unit:
        raise InputError(
            f"pretrain.batch_size does not divide over {processes} processes",
            received=batch,
            allowed=f"a multiple of {unit}",
        )


@dataclass(frozen=True)
class BatchLoss:
    """The loss as a function of the batch's image embeddings alone.

    Attributes
    ----------
    texts : (B, D) tensor
        Unit embeddings, mixed where captions are mixed.
    targets : (B, B) tensor
    excluded : (B, B) bool tensor or None
    temperature, smoothing : float
    """

    texts: Tensor
    targets: Tensor
    excluded: Tensor | None
    temperature: float
    smoothing: float

    @classmethod
    def of(
        cls,
        texts: Tensor,
        captions: Tensor,
        mix: Mix | None,
        *,
        settings: PretrainSettings,
        temperature: float,
    ) -> "BatchLoss":
        """Build from the captions' embeddings (B, D) and numbers (B,)."""
        mixed = settings.text_mixup
        return cls(
            texts=mix_texts(texts, mix) if mixed else texts,
            targets=mix_targets(None if mixed else mix, len(texts)).to(texts.device),
            excluded=equal_captions(captions) if settings.exclude_equal_captions else None,
            temperature=temperature,
            smoothing=settings.label_smoothing,
        )

    def __call__(self, images: Tensor) -> Tensor:
        """Loss of unit image embeddings (B, D)."""
        return contrastive_loss(
            images,
            self.texts,
            temperature=self.temperature,
            targets=self.targets,
            excluded=self.excluded,
            smoothing=self.smoothing,
        )


class TrainStep:
    """Computes gradients; the optimiser is somebody else's business.

    Parameters
    ----------
    backbone : Backbone
        On the world's device, image tower trainable, in eval mode (see :mod:`.dropout`); its batch norms
        keep their statistics, since those of a small share of a batch would differ between processes.
    settings : PretrainSettings
    seed : int
    world : World
    texts : (U, D) tensor
        Unit embeddings of all captions.
    captions : (N,) int64 array
        Number of each training image's caption.
    dropping : Dropping
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        settings: PretrainSettings,
        seed: int,
        world: World,
        texts: Tensor,
        captions: np.ndarray,
        dropping: Dropping,
    ):
        self.backbone, self.settings, self.seed, self.world = backbone, settings, seed, world
        self.texts, self.captions, self.dropping = texts, torch.from_numpy(captions), dropping
        self.temperature = float(1 / backbone.clip_model.logit_scale.exp())
        self.tower = backbone.visual
        if world.size > 1:
            self.tower = DistributedDataParallel(backbone.visual)

    def __call__(self, images: np.ndarray, order: np.ndarray, *, epoch: int, step: int) -> dict[str, float]:
        """Set the gradients of one batch.

        Parameters
        ----------
        images : (b, H, W) float32 array
            This process's share of the batch, in [0, 1].
        order : (B,) int64 array
            Training images of the whole batch, over all processes.
        epoch, step : int
            Key all draws.

        Returns
        -------
        dict
            ``loss`` of the whole batch and ``mixup_weight``.
        """
        settings, rows = self.settings, self.world.share(len(order))
        mix = draw_mix(len(order), settings.mixup_alpha, self.seed, "pretrain", epoch, step)
        captions = self.captions[order].to(self.texts.device)
        loss_of = BatchLoss.of(
            self.texts[captions], captions, mix, settings=settings, temperature=self.temperature
        )
        pixels = mix_images(self.backbone.pixels(images), mix, rows)
        masks = self.dropping.draw(len(order), self.seed, "pretrain", epoch, step)
        masks = masks.rows(rows, self.world.device)
        size = settings.micro_batch or len(pixels)
        if size >= len(pixels):
            loss = self._at_once(pixels, masks, loss_of)
        else:
            loss = self._in_parts(pixels, masks, loss_of, size)
        return {"loss": loss, "mixup_weight": mix.weight if mix else 1.0}

    def _at_once(self, pixels: Tensor, masks: Masks, loss_of: BatchLoss) -> float:
        # The backward pass stays inside: gradient checkpointing runs the tower again with the same masks.
        with self.dropping.use(masks):
            loss = loss_of(self.world.gather(self._embed(self.tower, pixels)))
            (loss * self.world.size).backward()  # DistributedDataParallel averages where a sum is due
        return loss.item()

    def _in_parts(self, pixels: Tensor, masks: Masks, loss_of: BatchLoss, size: int) -> float:
        """Embed without gradients, differentiate the loss by the embeddings, then go back part by part.

        The gradient of the whole batch, at the price of a second forward pass (GradCache: Gao et al., 2021).
        """
        parts = [slice(start, start + size) for start in range(0, len(pixels), size)]
        embeddings = []
        with torch.no_grad():
            for part in parts:
                with self.dropping.use(masks.rows(part, self.world.device)):
                    embeddings.append(self._embed(self.backbone.visual, pixels[part]))
        leaf = torch.cat(embeddings).requires_grad_()
        loss = loss_of(self.world.gather(leaf))
        (loss * self.world.size).backward()
        gradient = cast(Tensor, leaf.grad)
        for part in parts:
            later = part is not parts[-1] and self.world.size > 1
            sync = self.tower.no_sync() if later else nullcontext()
            with sync, self.dropping.use(masks.rows(part, self.world.device)):
                self._embed(self.tower, pixels[part]).backward(gradient[part])
        return loss.item()

    def _embed(self, tower: torch.nn.Module, pixels: Tensor) -> Tensor:
        with self.backbone.autocast(self.settings.precision):
            features = tower(pixels)
        return F.normalize(features.float(), dim=-1)

"""AnomalyCLIP: what two prompts learnt on other, labelled data say of an image and of its patches."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fusionmedclip.baselines.anomalyclip.losses import local_loss
from fusionmedclip.baselines.anomalyclip.prompts import ObjectAgnosticPrompts
from fusionmedclip.baselines.anomalyclip.settings import AnomalyCLIPSettings
from fusionmedclip.baselines.maps import pixel_maps
from fusionmedclip.baselines.resuming import Resuming
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.baselines.training import batches, counted
from fusionmedclip.baselines.value_stream import has_value_stream, value_stream
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.batches import even_batches
from fusionmedclip.models.checkpoints import Checkpoints
from fusionmedclip.models.detector import Detector, LabelledSet, Progress, Scores, join
from fusionmedclip.steps.ahead import Drawn

__all__ = ["AnomalyCLIP"]


class _Seen(NamedTuple):
    """Unit vectors of images (B, D) and of their patches (B, D, h, w)."""

    image: Tensor
    patches: Tensor


class AnomalyCLIP(Detector):
    """Two prompts that name no object (Zhou et al., ICLR 2024); the support set teaches it nothing.

    Parameters
    ----------
    backbone : Backbone
        With a text tower; the paper's is CLIP's ViT-L/14 of 336 pixels, at 518.
    settings : AnomalyCLIPSettings, optional
    """

    needs_backbone = True
    colour = True

    def __init__(self, *, backbone: Backbone, settings: AnomalyCLIPSettings | None = None):
        if backbone.clip_model is None:
            raise InputError("AnomalyCLIP needs a text tower", hint="take a backbone of kind open_clip")
        self.settings = settings or AnomalyCLIPSettings()
        self.backbone = backbone
        self._states: Tensor | None = None

    def fit(
        self,
        support: np.ndarray,
        *,
        seed: int = 0,
        progress: Progress | None = None,
        meta: Mapping[str, LabelledSet] | None = None,
        learnt: Path | None = None,
    ) -> Self:
        """Take what was learnt on other data sets, or learn it; ``support`` is not looked at.

        Parameters
        ----------
        support, seed, progress
            See ``Detector``.
        meta : mapping of data set name to LabelledSet, optional
        learnt : Path, optional
            Folder that :meth:`save_learnt` wrote.
        """
        if learnt is None:
            return self.learn(meta or {}, seed=seed, progress=progress)
        self.trained = counted(prompts=self._prompts(seed))
        return self.restore(learnt)

    def learn(
        self,
        meta: Mapping[str, LabelledSet],
        *,
        seed: int = 0,
        progress: Progress | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> Self:
        """Learn the prompts from labelled images of other data sets, all of them shuffled together.

        Images teach by their labels. Pixels teach where a data set has a mask of any anomaly: by its masks,
        and by its normal images, of which no pixel is abnormal. The published code has masks of all its
        data; an abnormal image without one would teach there that it has no abnormal pixel.

        Raises
        ------
        InputError
            If there are no normal or no abnormal images.
        """
        sets = [meta[name] for name in sorted(meta)]
        labels = np.concatenate([s.labels for s in sets]) if sets else np.zeros(0, np.int64)
        if len(set(labels.tolist())) < 2:
            raise InputError(
                "AnomalyCLIP has nothing to learn from",
                received={
                    name: f"{len(s.labels)} images, {s.labels.sum()} abnormal" for name, s in meta.items()
                },
                allowed="normal and abnormal images of other data sets, with their labels",
                hint="the workflow gives it the other data sets of its configuration",
            )
        prompts = self._prompts(seed)
        self.trained = counted(prompts=prompts)
        self._train(prompts, sets, torch.from_numpy(labels), seed, progress, checkpoints)
        with torch.no_grad():
            self._states = prompts(self.backbone)
        return self

    def _prompts(self, seed: int) -> ObjectAgnosticPrompts:
        return ObjectAgnosticPrompts(self.backbone, self.settings, seed=seed)

    def _train(
        self,
        prompts: ObjectAgnosticPrompts,
        sets: list[LabelledSet],
        labels: Tensor,
        seed: int,
        progress: Progress | None,
        checkpoints: Checkpoints | None,
    ) -> None:
        s, device = self.settings, self.backbone.mean.device
        seen = _joined([self._features(one.images) for one in sets])
        masks, known = _pixel_labels(sets)
        optimiser = torch.optim.Adam(prompts.parameters(), lr=s.learning_rate, betas=s.betas)
        parts = {"prompts": prompts, "optimiser": optimiser}
        loop = Resuming(parts, checkpoints=checkpoints, progress=progress, device=device)

        def draw(_step: int, rows: np.ndarray) -> Drawn:
            told = rows[known[rows]]
            return seen.image[rows], labels[rows], seen.patches[told], masks[told]

        order = batches(len(labels), s.meta_batch, s.meta_steps, seed, "anomalyclip")
        for step, (embedded, label, patches, meant) in loop.steps(order, draw):
            states = prompts(self.backbone)
            loss = F.cross_entropy(self._logits(embedded, states), label)
            values = {"image_loss": loss}
            if len(meant):
                given = self._upsampled(patches, states, meant.shape[1:])
                values["local_loss"] = s.local_weight * local_loss(given, meant.float())
                loss = loss + values["local_loss"]
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            loop.done(step, values)

    def _logits(self, unit: Tensor, states: Tensor) -> Tensor:
        """Cosines of (..., D) unit vectors to both states, over the temperature: (..., 2)."""
        return unit @ states.T / self.settings.temperature

    def _patch_states(self, patches: Tensor, states: Tensor) -> Tensor:
        """Probability of both states of (B, D, h, w) patches: (B, 2, h, w)."""
        return self._logits(patches.movedim(1, -1), states).softmax(dim=-1).movedim(-1, 1)

    def _upsampled(self, patches: Tensor, states: Tensor, size: torch.Size) -> Tensor:
        given = self._patch_states(patches, states)
        return F.interpolate(given, size=tuple(size), mode="bilinear", align_corners=False)

    @torch.no_grad()
    def _features(self, images: np.ndarray) -> _Seen:
        """Of all images, on the CPU: the towers are frozen, so each is seen once."""
        return _joined([_Seen(*(part.cpu() for part in seen)) for seen in self._batches(images)])

    def _batches(self, images: np.ndarray) -> Iterator[_Seen]:
        for batch, kept in even_batches(images, self.settings.batch_size):
            image, patches = self._towers(self.backbone.pixels(batch))
            yield _Seen(F.normalize(image[:kept], dim=1), F.normalize(patches[:kept], dim=1))

    def _towers(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Of a transformer, as published: the class token projected without the last norm."""
        if not has_value_stream(self.backbone):
            return self.backbone.clip_model.encode_image(pixels), self.backbone.patch_embeddings(pixels)
        heard = value_stream(self.backbone, pixels, self.settings.value_blocks)
        projection = self.backbone.visual.proj
        token = heard.class_token if projection is None else heard.class_token @ projection
        return token, self.backbone.projected(heard.patches)

    @torch.no_grad()
    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) images in [0, 1]: what both prompts give the abnormal state."""
        states = fitted(self._states, "AnomalyCLIP")
        parts = []
        for seen in self._batches(images):
            found = self._logits(seen.image, states).softmax(dim=1)[:, 1]
            grids = self._patch_states(seen.patches, states)[:, 1]
            maps = pixel_maps(grids, images.shape[1:3], sigma=self.settings.sigma)
            parts.append(Scores(found.double().cpu().numpy(), maps))
        return join(parts)

    def save(self, folder: Path) -> None:
        """Write both prompts' embeddings."""
        save_tensors({"states": fitted(self._states, "AnomalyCLIP")}, folder)

    def save_learnt(self, folder: Path) -> None:
        """Write the same: there is nothing else to learn."""
        self.save(folder)

    def restore(self, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        self._states = load_tensors(folder)["states"].to(self.backbone.mean.device)
        return self


def _joined(parts: list[_Seen]) -> _Seen:
    return _Seen(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _pixel_labels(sets: list[LabelledSet]) -> tuple[np.ndarray, np.ndarray]:
    """(N, H, W) masks of anomalies, and (N,) whether they say anything of an image."""
    masks, known = [], []
    for one in sets:
        drawn = one.masks == 1
        whole = (one.masks != 2).all(axis=(1, 2)) | (one.labels == 0)
        masks.append(drawn)
        known.append(whole if drawn.any() else np.zeros(len(whole), bool))
    return np.concatenate(masks), np.concatenate(known)

"""Zero-shot CLIP: is the image nearer to text about a normal or about an abnormal subject?"""

from pathlib import Path
from typing import Self

import numpy as np
import torch

from fusionmedclip.baselines.clip_zero_shot.settings import ClipZeroShotSettings
from fusionmedclip.baselines.resizing import resize_maps
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.baselines.text_states import anomaly_probability, state_embeddings
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.batches import even_batches
from fusionmedclip.models.detector import Detector, Progress, Scores, join

__all__ = ["ClipZeroShot"]


class ClipZeroShot(Detector):
    """The image embedding against two sets of phrases.

    Parameters
    ----------
    backbone : Backbone
        With a text tower.
    settings : ClipZeroShotSettings, optional
    """

    needs_backbone = True

    def __init__(self, *, backbone: Backbone, settings: ClipZeroShotSettings | None = None):
        if backbone.clip_model is None:
            raise InputError("zero-shot CLIP needs a text tower", hint="take a backbone of kind open_clip")
        self.settings = settings or ClipZeroShotSettings()
        self.backbone = backbone
        self._states: torch.Tensor | None = None

    def fit(self, support: np.ndarray, *, seed: int = 0, progress: Progress | None = None) -> Self:
        """Embed the phrases; the support set is not looked at."""
        self._states = state_embeddings(self.backbone, self.settings.prompts, self.settings.subject)
        return self

    @torch.inference_mode()
    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) images in [0, 1]: probability of the abnormal state, and its map."""
        states = fitted(self._states, "ClipZeroShot")
        tau = self.settings.temperature
        parts = []
        for batch, kept in even_batches(images, self.settings.batch_size):
            pixels = self.backbone.pixels(batch)
            scores = anomaly_probability(self.backbone.clip_model.encode_image(pixels), states, tau)
            patches = self.backbone.patch_embeddings(pixels).permute(0, 2, 3, 1)
            maps = resize_maps(anomaly_probability(patches, states, tau), batch.shape[1:])
            parts.append(Scores(scores.double().cpu().numpy(), maps).first(kept))
        return join(parts)

    def save(self, folder: Path) -> None:
        """Write the two text embeddings."""
        save_tensors({"states": fitted(self._states, "ClipZeroShot")}, folder)

    def restore(self, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        self._states = load_tensors(folder)["states"].to(self.backbone.mean.device)
        return self

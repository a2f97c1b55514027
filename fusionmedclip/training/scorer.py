"""A fitted FusionMedCLIP scores: images, or features of its frozen backbone that were stored."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch

from fusionmedclip.data.reading.images import load_images
from fusionmedclip.data.reading.settings import ImageSettings
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.batches import even_batches
from fusionmedclip.models.detector import Detector, Scores, join
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.threads import torch_threads
from fusionmedclip.training.precision import in_precision
from fusionmedclip.training.settings import FusionSettings

__all__ = ["FusionScorer", "Prediction"]


class Prediction(NamedTuple):
    """Result of :meth:`FusionMedCLIP.predict`.

    Attributes
    ----------
    scores : (N,) float64 array
        Higher where more anomalous, in [0, 1].
    maps : (N, H, W) float32 array or None
        Anomaly probability of each pixel, in [0, 1]; None for settings without a map (``head: gap``).
    """

    scores: np.ndarray
    maps: np.ndarray | None


class FusionScorer(Detector):
    """What scoring needs of :class:`fusionmedclip.training.estimator.FusionMedCLIP`."""

    colour = True
    settings: FusionSettings
    images: ImageSettings
    backbone: Backbone
    batch_size: int
    threads: int | None
    model: FusionModel | None

    @property
    def frozen_features(self) -> bool:  # type: ignore[override]  # here it depends on the settings
        """Whether scoring may take the frozen backbone's features from a store."""
        return self.settings.frozen_features

    @property
    def layers(self) -> tuple[int | str, ...]:
        """Layers whose maps scoring needs; ``("gap",)`` for rows without a map."""
        return self.settings.stored_layers

    @property
    def image_size(self) -> int:
        """Side of the working size, pixels."""
        size = getattr(self.backbone.visual, "image_size", 224)
        return int(size[0] if isinstance(size, Sequence) else size)

    def score(self, images: np.ndarray) -> Scores:
        """Score (N, S, S) or (N, S, S, 3) float32 images in [0, 1], already at the working size."""
        model, parts = self._fitted(), []
        with self._arithmetic(), torch.inference_mode():
            text = self._text()
            for batch, kept in even_batches(images, self.batch_size):
                pixels = self.backbone.pixels(batch)
                height, width = pixels.shape[-2:]
                with self.backbone.autocast(self.settings.precision):
                    scores, maps = model.score_features(model.features(pixels), text, (height, width))
                parts.append(_scores(scores, maps).first(kept))
        return join(parts)

    def score_features(self, maps: Sequence[np.ndarray], size: tuple[int, int]) -> Scores:
        """Score N images from stored features of the frozen backbone; see ``FeatureDetector``."""
        model, parts, device = self._fitted(), [], self.backbone.mean.device
        with self._arithmetic(), torch.inference_mode():
            text = self._text()
            for rows, kept in even_batches(np.arange(len(maps[0])), self.batch_size):
                batch = [torch.as_tensor(m[rows], device=device) for m in maps]
                parts.append(_scores(*model.score_features(batch, text, size)).first(kept))
        return join(parts)

    def predict(self, images: Any) -> Prediction:
        """Scores and maps of images given as paths or arrays; see :meth:`fit`."""
        scores, maps = self.score(load_images(images, self.image_size, form=self.images))
        return Prediction(scores, maps)

    def score_samples(self, images: Any) -> np.ndarray:
        """(N,) scores of images given as paths or arrays, higher where more anomalous."""
        return self.predict(images).scores

    def __sklearn_is_fitted__(self) -> bool:
        return self.model is not None

    def _text(self) -> torch.Tensor:
        with self.backbone.autocast(self.settings.precision):
            return self._fitted().text()

    @contextmanager
    def _arithmetic(self) -> Iterator[None]:
        with torch_threads(self.threads), in_precision(self.backbone, self.settings.precision):
            yield

    def _fitted(self) -> FusionModel:
        if self.model is None:
            raise InputError("this model was not fitted", hint="call fit(), or FusionMedCLIP.load(folder)")
        return self.model

    def trained_parameters(self) -> dict[str, int]:
        """Count of trained parameters by component."""
        return {
            name: sum(p.numel() for p in parameters.values())
            for name, parameters in self._fitted().components().items()
        }


def _scores(scores: torch.Tensor, maps: torch.Tensor | None) -> Scores:
    values = scores.double().cpu().numpy()
    return Scores(values, None if maps is None else maps.float().cpu().numpy())

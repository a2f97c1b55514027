"""The one contract of every method: fit on a support set, score images.

Metrics, tables and figures never ask which method they are looking at.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, cast

import numpy as np

from fusionmedclip.models.batches import even_batches

if TYPE_CHECKING:
    from fusionmedclip.models.backbones.backbone import Backbone
    from fusionmedclip.models.checkpoints import Checkpoints

__all__ = [
    "Detector", "FeatureDetector", "LabelledSet", "LearnsAhead", "Progress", "Scores", "ScoresFeatures",
    "join",
]  # fmt: skip

Progress = Callable[[dict[str, float]], None]
"""Called once a training step with what the log keeps, for example ``{"epoch": 3, "loss": 0.41}``."""


class Scores(NamedTuple):
    """What a method says of N images.

    Attributes
    ----------
    scores : (N,) float64 array
        Image anomaly score, higher where more anomalous, on the method's own scale.
    maps : (N, H, W) float32 array or None
        Anomaly map at the size of the images scored, higher where more anomalous, on the method's own
        scale; None where the method defines no map.
    """

    scores: np.ndarray
    maps: np.ndarray | None

    def first(self, count: int) -> "Scores":
        """Of the first ``count`` images."""
        return Scores(self.scores[:count], None if self.maps is None else self.maps[:count])


class LabelledSet(NamedTuple):
    """Images of another data set with what is known of them.

    Attributes
    ----------
    images : (N, H, W) or (N, H, W, 3) float32 array
        In [0, 1].
    labels : (N,) int64 array
        0 normal, 1 abnormal.
    masks : (N, H, W) uint8 array
        1 on an anomaly, 0 elsewhere, 2 where nothing is known.
    """

    images: np.ndarray
    labels: np.ndarray
    masks: np.ndarray


class Detector(ABC):
    """A method that learns from k normal images and scores others.

    Images are always float32 arrays (N, H, W), grey, in [0, 1], already at the working size
    (see :func:`fusionmedclip.data.load_images`); where ``colour`` is true they may be (N, H, W, 3). A
    detector never sees a test label, and never a test image before ``score``.
    """

    colour: bool = False
    """True where the method takes colour as it is; for the others the caller hands over luma."""

    frozen_features: bool = False
    """True where ``score`` depends on an image through the frozen backbone's features alone, so that
    ``score_features`` can take them from a store shared by many runs."""

    trained: dict[str, int]
    """Count of trained parameters by part, set by ``fit``; methods that learn no weights leave it out."""

    resumes: bool = False
    """True where ``fit`` takes ``checkpoints``, to go on where another process was stopped."""

    @abstractmethod
    def fit(self, support: np.ndarray, *, seed: int = 0, progress: Progress | None = None) -> Self:
        """Learn from the support set.

        Parameters
        ----------
        support : (k, H, W) float32 array
            Normal images, grey, in [0, 1].
        seed : int
            Keys every random draw of the fit.
        progress : callable, optional
            Called after each training step.
        """

    def trained_parameters(self) -> dict[str, int]:
        """Count of parameters that ``fit`` trained, by part; empty where it learns no weights."""
        return dict(getattr(self, "trained", {}))

    @abstractmethod
    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) float32 images in [0, 1]."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what was learnt, and nothing that was frozen, as safetensors into a folder."""

    @abstractmethod
    def restore(self, folder: Path) -> Self:
        """Read what ``save`` wrote into a detector made with the same settings."""


class FeatureDetector(Detector):
    """A detector whose score depends on an image through a frozen backbone's feature maps alone.

    Subclasses set ``backbone`` (a :class:`fusionmedclip.models.backbones.backbone.Backbone`), ``layers`` and
    ``batch_size``, and define ``score_features``. A workflow may then hand over maps from a store that many
    runs share; ``score`` computes the same maps itself.
    """

    frozen_features = True
    colour = True
    backbone: "Backbone"
    layers: Sequence[int | str]
    batch_size: int = 8

    @abstractmethod
    def score_features(self, maps: Sequence[np.ndarray], size: tuple[int, int]) -> Scores:
        """Score N images from their feature maps.

        Parameters
        ----------
        maps : sequence of (N, C_j, H_j, W_j) float32 arrays
            One for each of ``layers``, in that order; N is small enough for memory.
        size : (int, int)
            Height and width of the anomaly maps, pixels.
        """

    def features(self, images: np.ndarray) -> list[np.ndarray]:
        """Feature maps (N, C_j, H_j, W_j) float32 of images, computed in batches."""
        import torch

        parts = []
        with torch.inference_mode():
            for batch, kept in even_batches(images, self.batch_size):
                maps = self.backbone.feature_maps(self.backbone.pixels(batch), self.layers)
                parts.append([layer[:kept] for layer in maps])
        return [torch.cat(list(layer)).cpu().numpy() for layer in zip(*parts, strict=True)]

    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) float32 images in [0, 1]."""
        parts = []
        for batch, kept in even_batches(images, self.batch_size):
            parts.append(self.score_features(self.features(batch), batch.shape[1:3]).first(kept))
        return join(parts)


class ScoresFeatures(Protocol):
    """What a detector whose ``frozen_features`` is true has besides; see :class:`FeatureDetector`."""

    @property
    def layers(self) -> Sequence[int | str]:
        """Layers whose maps ``score_features`` takes."""

    def score_features(self, maps: Sequence[np.ndarray], size: tuple[int, int]) -> Scores:
        """Score N images from their feature maps."""


class LearnsAhead(Protocol):
    """What a detector has whose settings say ``learns_ahead``: its ``fit`` takes the folder as ``learnt``."""

    colour: bool

    def learn(
        self,
        meta: Mapping[str, Any],
        *,
        seed: int = 0,
        progress: Progress | None = None,
        checkpoints: "Checkpoints | None" = None,
    ) -> object:
        """Learn from other data sets what does not depend on the support set.

        ``meta`` holds their normals (N, H, W), or a :class:`LabelledSet` of each where the settings say
        ``learns_labels``.
        """

    def save_learnt(self, folder: Path) -> None:
        """Write that, as safetensors into a folder."""


def join(parts: Sequence[Scores]) -> Scores:
    """Put the scores of consecutive batches together."""
    maps = [part.maps for part in parts]
    scores = np.concatenate([part.scores for part in parts])
    return Scores(scores, None if maps[0] is None else np.concatenate(cast(list[np.ndarray], maps)))

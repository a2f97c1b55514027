"""The one contract of every method: fit on a support set, score images.

Metrics, tables and figures never ask which method they are looking at.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

__all__ = ["Detector", "Progress", "Scores"]

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


class Detector(ABC):
    """A method that learns from k normal images and scores others.

    Images are always float32 arrays (N, H, W), grey, in [0, 1], already at the working size
    (see :func:`fusionmedclip.data.load_images`). A detector never sees a test label, and never a test
    image before ``score``.
    """

    frozen_features: bool = False
    """True where ``score`` depends on an image through the frozen backbone's features alone, so that
    ``score_features`` can take them from a store shared by many runs."""

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

    @abstractmethod
    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) float32 images in [0, 1]."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what was learnt, and nothing that was frozen, as safetensors into a folder."""

    @abstractmethod
    def restore(self, folder: Path) -> Self:
        """Read what ``save`` wrote into a detector made with the same settings."""

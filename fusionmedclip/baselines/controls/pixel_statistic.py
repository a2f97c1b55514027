"""Controls: one statistic of the pixels as a score, to show how much a table says about lesions at all."""

from abc import abstractmethod
from pathlib import Path
from typing import Self

import numpy as np
import torch

from fusionmedclip.baselines.controls.settings import (
    BorderDarknessSettings,
    ContrastSettings,
    MeanBrightnessSettings,
)
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.models.detector import Detector, Progress, Scores

__all__ = ["BorderDarkness", "Contrast", "MeanBrightness"]


class _Statistic(Detector):
    """A number of each image, read as :class:`MeanBrightnessSettings` says. Defines no map."""

    needs_backbone = False

    def __init__(self, *, settings: MeanBrightnessSettings, device: str = "cpu"):
        self.settings = settings
        self._spread: np.ndarray | None = None

    @abstractmethod
    def statistic(self, images: np.ndarray) -> np.ndarray:
        """(N,) float64 statistic of (N, H, W) images."""

    def fit(self, support: np.ndarray, *, seed: int = 0, progress: Progress | None = None) -> Self:
        """Keep the mean and the standard deviation of the statistic over the support set."""
        values = self.statistic(support)
        self._spread = np.array([values.mean(), max(float(values.std()), 1e-12)])
        return self

    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) images in [0, 1]."""
        mean, std = fitted(self._spread, type(self).__name__)
        values = self.statistic(images)
        if self.settings.reading == "inverted":
            values = -values
        elif self.settings.reading == "deviation":
            values = np.abs(values - mean) / std
        return Scores(values, None)

    def save(self, folder: Path) -> None:
        """Write the support set's mean and standard deviation."""
        save_tensors({"spread": torch.from_numpy(fitted(self._spread, type(self).__name__))}, folder)

    def restore(self, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        self._spread = load_tensors(folder)["spread"].numpy()
        return self


class MeanBrightness(_Statistic):
    """Mean of all pixels."""

    def __init__(self, *, settings: MeanBrightnessSettings | None = None, device: str = "cpu"):
        super().__init__(settings=settings or MeanBrightnessSettings())

    def statistic(self, images: np.ndarray) -> np.ndarray:
        """(N,) means."""
        return images.mean(axis=(1, 2), dtype=np.float64)


class Contrast(_Statistic):
    """Standard deviation of all pixels."""

    def __init__(self, *, settings: ContrastSettings | None = None, device: str = "cpu"):
        super().__init__(settings=settings or ContrastSettings())

    def statistic(self, images: np.ndarray) -> np.ndarray:
        """(N,) standard deviations."""
        return images.std(axis=(1, 2), dtype=np.float64)


class BorderDarkness(_Statistic):
    """One minus the mean of a frame of pixels: how the picture was cropped."""

    settings: BorderDarknessSettings

    def __init__(self, *, settings: BorderDarknessSettings | None = None, device: str = "cpu"):
        super().__init__(settings=settings or BorderDarknessSettings())

    def statistic(self, images: np.ndarray) -> np.ndarray:
        """(N,) darkness in [0, 1]."""
        height, width = images.shape[1:]
        band = max(1, round(self.settings.width * min(height, width)))
        frame = np.ones((height, width), bool)
        frame[band : height - band, band : width - band] = False
        return 1 - images[:, frame].mean(axis=1, dtype=np.float64)

"""Controls that know an image by its file alone: its size, its shape, its bytes, its format."""

from pathlib import Path
from typing import Self

import numpy as np
import torch

from fusionmedclip.baselines.controls.file_settings import CATEGORIES, FileStatisticSettings
from fusionmedclip.baselines.controls.pixel_statistic import _Statistic
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.models.detector import Progress, Scores

__all__ = ["FileStatistic"]


class FileStatistic(_Statistic):
    """One property of a file as a score; defines no map.

    ``fit`` and ``score`` take an array of that property, (k,) and (N,), in place of images: what it measures
    is lost once images have been resized. :func:`fusionmedclip.pipeline.runs.run_method` hands it over.
    """

    settings: FileStatisticSettings

    def __init__(self, *, settings: FileStatisticSettings | None = None, device: str = "cpu"):
        super().__init__(settings=settings or FileStatisticSettings())
        self._shares: dict[str, float] | None = None

    @property
    def column(self) -> str:
        """Column of :func:`fusionmedclip.data.curation.statistics.image_statistics` that is read."""
        return self.settings.statistic

    def statistic(self, images: np.ndarray) -> np.ndarray:
        """The values themselves, float64."""
        return np.asarray(images, np.float64)

    def fit(self, support: np.ndarray, *, seed: int = 0, progress: Progress | None = None) -> Self:
        """Keep mean and standard deviation of (k,) numbers, or the share of each of (k,) words."""
        if self.column not in CATEGORIES:
            return super().fit(support, seed=seed, progress=progress)
        words, counts = np.unique(np.asarray(support, str), return_counts=True)
        self._shares = dict(zip(words.tolist(), (counts / counts.sum()).tolist(), strict=True))
        return self

    def score(self, images: np.ndarray) -> Scores:
        """Score (N,) numbers or words."""
        if self.column not in CATEGORIES:
            return super().score(images)
        shares = fitted(self._shares, type(self).__name__)
        return Scores(np.array([1 - shares.get(str(word), 0.0) for word in images]), None)

    def save(self, folder: Path) -> None:
        """Write mean and standard deviation, or the shares."""
        if self.column not in CATEGORIES:
            super().save(folder)
            return
        shares = fitted(self._shares, type(self).__name__)
        named = {f"share:{word}": torch.tensor(share, dtype=torch.float64) for word, share in shares.items()}
        save_tensors(named, folder)

    def restore(self, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        if self.column not in CATEGORIES:
            return super().restore(folder)
        tensors = load_tensors(folder)
        self._shares = {name.removeprefix("share:"): float(value) for name, value in tensors.items()}
        return self

"""Gaussian density with Ledoit-Wolf shrinkage, for few samples in many dimensions."""

from typing import Self

import numpy as np
import torch
from sklearn.covariance import LedoitWolf
from torch import Tensor

__all__ = ["GaussianDensity"]


class GaussianDensity:
    """Mean and precision of a Gaussian.

    Attributes
    ----------
    mean : (D,) float64 array
    precision : (D, D) float64 array
    """

    def __init__(self, mean: np.ndarray, precision: np.ndarray):
        self.mean = mean
        self.precision = precision

    @classmethod
    def fit(cls, samples: np.ndarray) -> Self:
        """From (N, D) samples, shrunk as Ledoit and Wolf (2004) say."""
        estimate = LedoitWolf().fit(np.asarray(samples, np.float64))
        return cls(estimate.location_, estimate.precision_)

    def energy(self, samples: np.ndarray) -> np.ndarray:
        """Half the squared Mahalanobis distance of (N, D) samples: minus log density, less a constant."""
        centred = np.asarray(samples, np.float64) - self.mean
        return 0.5 * np.einsum("nd,de,ne->n", centred, self.precision, centred, optimize=True)

    def tensors(self) -> dict[str, Tensor]:
        """What to save."""
        return {
            "density.mean": torch.from_numpy(self.mean),
            "density.precision": torch.from_numpy(self.precision),
        }

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """From what :meth:`tensors` gave."""
        return cls(tensors["density.mean"].numpy(), tensors["density.precision"].numpy())

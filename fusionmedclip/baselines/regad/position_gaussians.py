"""One Gaussian at each position of a feature map."""

import torch
from torch import Tensor

from fusionmedclip.errors import InputError

__all__ = ["PositionGaussians"]


class PositionGaussians:
    """Means and whitening matrices of P positions.

    Attributes
    ----------
    mean : (P, C) tensor
    whitening : (P, C, C) tensor
        W = L^-1 with L L^T the covariance, so that the Mahalanobis distance of x is ``|W (x - mean)|``.
    """

    def __init__(self, mean: Tensor, whitening: Tensor):
        self.mean = mean
        self.whitening = whitening

    @classmethod
    def fit(cls, samples: Tensor, *, ridge: float, block: int = 128) -> "PositionGaussians":
        """From (N, C, P) samples, N at least 2: unbiased covariance plus ``ridge`` times the identity.

        ``block`` positions at a time, so that only the result is large: P * C^2 numbers.

        Raises
        ------
        InputError
            If the samples are too large, or no numbers, to have such a covariance.
        """
        count, channels, positions = samples.shape
        mean = samples.mean(dim=0).T.contiguous()
        whitening = torch.empty(positions, channels, channels, device=samples.device)
        eye = torch.eye(channels, device=samples.device)
        for start in range(0, positions, block):
            part = slice(start, start + block)
            centred = samples[:, :, part].permute(2, 0, 1) - mean[part].unsqueeze(1)
            covariance = centred.transpose(1, 2) @ centred / (count - 1) + ridge * eye
            factor = _cholesky(covariance)
            whitening[part] = torch.linalg.solve_triangular(factor, eye.expand_as(factor), upper=False)
        return cls(mean, whitening)

    def distances(self, samples: Tensor) -> Tensor:
        """Mahalanobis distances of (N, C, P) samples: (N, P)."""
        centred = samples.permute(2, 1, 0) - self.mean.unsqueeze(2)
        return (self.whitening @ centred).norm(dim=1).T


def _cholesky(covariance: Tensor) -> Tensor:
    try:
        if covariance.isfinite().all():
            return torch.linalg.cholesky(covariance)
        error = None
    except torch.linalg.LinAlgError as failed:
        error = failed
    raise InputError(
        "the support set's features have no Gaussian: they are far too large, or no numbers",
        received=f"largest variance {covariance.diagonal(dim1=1, dim2=2).amax():.3g}",
        hint="where it was trained, training diverged: lower learning_rate",
    ) from error

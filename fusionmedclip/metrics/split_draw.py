"""What another draw of test images and support pool would change, and what both draws have in common."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.delong import delong

__all__ = ["SplitDraw", "hanley_mcneil", "image_variances"]


@dataclass(frozen=True, kw_only=True)
class SplitDraw:
    """How test set and support pool are drawn from what there is.

    Attributes
    ----------
    normal, anomalous : int
        Images tested.
    normal_of, anomalous_of : int or None
        Images that each side draws its own from; None where there are far more than are drawn.
    pool : int
        Normals left over, from which support sets are drawn.
    """

    normal: int
    anomalous: int
    normal_of: int | None
    anomalous_of: int | None
    pool: int

    @property
    def redrawn(self) -> tuple[float, float]:
        """Share of a class's variance that another draw of its test images brings: normal, anomalous.

        1 - n / N, the correction of a mean over n of N for drawing without replacement (Cochran, Sampling
        Techniques, 1977, section 2.6): 0 where all are tested, 1 where N has no bound.
        """
        normal = 1.0 if self.normal_of is None else 1 - self.normal / self.normal_of
        return normal, 1.0 if self.anomalous_of is None else 1 - self.anomalous / self.anomalous_of

    def pool_share(self, k: int) -> float:
        """Variance from pool to pool, in units of the variance from support set to support set of one pool.

        For a score to which each support image adds its part: means over k of a pool of M vary by
        (1 - k / M) / k, those of pools of M of N normals by (1 - M / N) / M. Infinite where the support set
        is the pool.
        """
        between = (1.0 if self.normal_of is None else 1 - self.pool / self.normal_of) / self.pool
        within = (1 - k / self.pool) / k
        return between / within if within > 0 else math.inf

    def shows_pools(self, k: int) -> bool:
        """Whether support sets differ enough for their spread to tell of other pools: k is at most half."""
        return 2 * k <= self.pool


def hanley_mcneil(auroc: float, *, normal: int, anomalous: int) -> tuple[float, float, float]:
    """Variance of an AUROC of which nothing but its value and the class sizes are known.

    Hanley and McNeil, Radiology 143 (1982) 29-36, in the three parts that it is the sum of.

    Parameters
    ----------
    auroc : float
        0 to 1.
    normal, anomalous : int
        Images of each class.

    Returns
    -------
    (float, float, float)
        What the choice of normal images brings, what that of anomalous images, what that of their pairs.
    """
    if not 0 <= auroc <= 1:
        raise InputError("no such AUROC", received=auroc, allowed="0 to 1")
    two_anomalous, two_normal = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    pairs = normal * anomalous
    return (
        (anomalous - 1) * (two_anomalous - auroc**2) / pairs,
        (normal - 1) * (two_normal - auroc**2) / pairs,
        auroc * (1 - auroc) / pairs,
    )


def image_variances(
    labels: ArrayLike, scores: ArrayLike, *, printed: float, draw: SplitDraw
) -> tuple[float, float]:
    """Variance of a mean image AUROC over the choice of test images: of ours, and of a printed one.

    Ours is the mean DeLong covariance of two seeds (of one seed its variance), class by class, each to the
    share that another draw brings (:attr:`SplitDraw.redrawn`). The printed one has no scores: a replication's
    vary as ours do, and Hanley and McNeil's formula at the printed mean is the least that is taken.

    Parameters
    ----------
    labels : (n,) array of bool or 0/1
    scores : (S, n) array
    printed : float
        The printed mean AUROC, 0 to 1.
    draw : SplitDraw
    """
    found = delong(labels, scores)
    of_normal, of_anomalous = draw.redrawn
    ours = max(of_normal * _shared(found.of_normal) + of_anomalous * _shared(found.of_anomalous), 0.0)
    normal, anomalous, pairs = hanley_mcneil(printed, normal=draw.normal, anomalous=draw.anomalous)
    least = of_normal * normal + of_anomalous * anomalous + max(of_normal, of_anomalous) * pairs
    return ours, max(ours, least)


def _shared(components: np.ndarray) -> float:
    """Covariance of the means of two rows of (S, n), on average; of a single row its variance."""
    covariance = np.atleast_2d(np.cov(components)) / components.shape[1]
    seeds = len(covariance)
    if seeds == 1:
        return float(covariance[0, 0])
    return float(covariance.sum() - np.trace(covariance)) / (seeds * (seeds - 1))

"""DeLong's covariance of AUROCs measured on the same images, and tests from it.

DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837-845, by mid-ranks in O(n log n): Sun and Xu,
IEEE Signal Processing Letters 21 (2014) 1389-1393.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.checks import check_runs
from fusionmedclip.metrics.intervals import Comparison, Interval, compare, t_reach
from fusionmedclip.metrics.score_interval import score_interval

__all__ = ["DeLong", "components_interval", "delong", "delong_interval", "delong_test", "holm"]


class DeLong(NamedTuple):
    """Structural components of M AUROCs (or of M differences of AUROCs) on the same images.

    Attributes
    ----------
    of_anomalous : (M, P) float64 array
        For each anomalous image the share of normal images it scores above, ties counting one half.
    of_normal : (M, N) float64 array
        For each normal image the share of anomalous images it scores below.
    """

    of_anomalous: np.ndarray
    of_normal: np.ndarray

    @property
    def aurocs(self) -> np.ndarray:
        """(M,) AUROCs, the means of the components."""
        return self.of_anomalous.mean(axis=1)

    @property
    def covariance(self) -> np.ndarray:
        """(M, M) covariance of the AUROCs over the choice of test images."""
        p, n = self.of_anomalous.shape[1], self.of_normal.shape[1]
        return np.atleast_2d(np.cov(self.of_anomalous) / p + np.cov(self.of_normal) / n)

    def minus(self, other: "DeLong") -> "DeLong":
        """Components of the differences, row by row: exactly zero where two methods rank all pairs alike."""
        return DeLong(self.of_anomalous - other.of_anomalous, self.of_normal - other.of_normal)


def delong(labels: ArrayLike, scores: ArrayLike) -> DeLong:
    """AUROCs of M methods, and what their covariance over test images follows from.

    Parameters
    ----------
    labels : (n,) array of bool or 0/1
    scores : (n,) or (M, n) array

    Raises
    ------
    InputError
        If there are fewer than two images of a class: one has no variance.

    Examples
    --------
    >>> delong([0, 0, 1, 1], [[1, 2, 3, 4], [1, 3, 2, 4]]).aurocs.tolist()
    [1.0, 0.75]
    """
    truth, values = check_runs(labels, scores)
    anomalous, normal = values[:, truth], values[:, ~truth]
    p, n = anomalous.shape[1], normal.shape[1]
    if min(p, n) < 2:
        raise InputError(
            "too few images for a variance",
            received=f"{p} anomalous, {n} normal",
            allowed="two or more of each",
        )
    ranks = _mid_ranks(values)
    return DeLong(
        (ranks[:, truth] - _mid_ranks(anomalous)) / n,
        1 - (ranks[:, ~truth] - _mid_ranks(normal)) / p,
    )


def _mid_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 within each row of (M, n), ties sharing their mean rank."""
    ranks = np.empty(values.shape)
    for row, out in zip(values, ranks, strict=True):
        ordered = np.sort(row)
        out[:] = (np.searchsorted(ordered, row, "left") + np.searchsorted(ordered, row, "right") + 1) / 2
    return ranks


def delong_interval(labels: ArrayLike, scores: ArrayLike, *, level: float = 0.95) -> Interval:
    """AUROC of one run with a normal interval on the logit scale, which stays inside (0, 1).

    Pepe, "The Statistical Evaluation of Medical Tests" (2003), section 5.2. Where these images have no
    variance, as at an AUROC of 0 or 1, that would have no width, and is Newcombe's
    (:func:`fusionmedclip.metrics.score_interval.score_interval`): a dozen images never prove perfection.
    """
    return components_interval(delong(labels, scores), level=level)


def components_interval(found: DeLong, *, level: float = 0.95) -> Interval:
    """The same of the first of some AUROCs, from their components."""
    auroc, reach = float(found.aurocs[0]), t_reach(math.sqrt(found.covariance[0, 0]), level=level)
    if reach == 0 or not 0 < auroc < 1:
        p, n = found.of_anomalous.shape[1], found.of_normal.shape[1]
        return score_interval(auroc, anomalous=p, normal=n, level=level)
    logit, spread = math.log(auroc / (1 - auroc)), reach / (auroc * (1 - auroc))
    low, high = (1 / (1 + math.exp(-end)) for end in (logit - spread, logit + spread))
    return Interval(auroc, low, high)


def delong_test(labels: ArrayLike, first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Comparison:
    """Whether the AUROCs of two methods on the same images differ (paired, two-sided normal test).

    It speaks of these two fitted models and new test images, not of new support sets; for those see
    :func:`fusionmedclip.metrics.auroc_difference_over_seeds`.
    """
    found = delong(labels, first).minus(delong(labels, second))
    return compare(float(found.aurocs[0]), math.sqrt(found.covariance[0, 0]), level=level)


def holm(p_values: ArrayLike) -> np.ndarray:
    """P-values adjusted for their number (Holm, Scandinavian Journal of Statistics 6 (1979) 65-70).

    Step-down: the i-th smallest of m is multiplied by m - i + 1, made monotone and cut at 1. Rejecting
    where the adjusted value is at most alpha keeps the chance of any false rejection at alpha, whatever
    the dependence between the tests.

    Parameters
    ----------
    p_values : (m,) array
        In [0, 1].

    Returns
    -------
    (m,) float64 array
        In the order given.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise InputError("these are no p-values", received=p.tolist(), allowed="shape (m,), 0 to 1, no NaN")
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(raised, 1)
    return adjusted

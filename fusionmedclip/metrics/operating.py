"""Metrics at one threshold, and where a threshold may honestly come from.

One convention everywhere: an image is called anomalous where ``score >= threshold``.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.checks import check_level, check_run

__all__ = [
    "BestF1",
    "Rates",
    "SupportThreshold",
    "best_f1",
    "f1_at",
    "rates_at",
    "sensitivity_at_specificity",
    "support_threshold",
]


class BestF1(NamedTuple):
    """Highest F1 over all thresholds: an oracle, since the threshold was chosen on the test labels.

    Attributes
    ----------
    f1 : float
        In [0, 1].
    threshold : float
        The highest threshold that reaches it.
    """

    f1: float
    threshold: float


class Rates(NamedTuple):
    """Sensitivity (true positive rate) and specificity (true negative rate) at a threshold, 0-1."""

    sensitivity: float
    specificity: float


class SupportThreshold(NamedTuple):
    """A threshold taken from normal support images alone.

    Attributes
    ----------
    threshold : float
        An image is called anomalous where ``score >= threshold``; just above a support score.
    false_positive_rate : float
        Bound on the expected false positive rate that this threshold carries; above the rate asked for
        where the support set is too small.
    """

    threshold: float
    false_positive_rate: float


def _called(values: np.ndarray, threshold: float) -> np.ndarray:
    if math.isnan(threshold):
        raise InputError(
            "the threshold is not a number", received=threshold, allowed="a number, or inf for none"
        )
    return values >= threshold


def best_f1(labels: ArrayLike, scores: ArrayLike) -> BestF1:
    """F1 at the threshold that maximises it on these very labels (an oracle: report it as such)."""
    truth, values = check_run(labels, scores)
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    # From whole numbers, so that thresholds of equal F1 compare equal: 2 TP / (called + anomalous).
    f1 = 2 * np.cumsum(truth[order])[last] / (last + 1 + truth.sum())
    best = int(np.argmax(f1))
    return BestF1(float(f1[best]), float(ranked[last[best]]))


def f1_at(labels: ArrayLike, scores: ArrayLike, threshold: float) -> float:
    """F1 = 2 TP / (2 TP + FP + FN) at a threshold fixed beforehand; 0 where nothing is called anomalous."""
    from sklearn.metrics import f1_score

    truth, values = check_run(labels, scores)
    return float(f1_score(truth, _called(values, threshold), zero_division=0.0))


def rates_at(labels: ArrayLike, scores: ArrayLike, threshold: float) -> Rates:
    """Sensitivity and specificity at a threshold fixed beforehand."""
    from sklearn.metrics import confusion_matrix

    truth, values = check_run(labels, scores)
    (tn, fp), (fn, tp) = confusion_matrix(truth, _called(values, threshold), labels=[False, True]).tolist()
    return Rates(tp / (tp + fn), tn / (tn + fp))


def sensitivity_at_specificity(labels: ArrayLike, scores: ArrayLike, specificity: float = 0.95) -> float:
    """Highest sensitivity among thresholds whose specificity is at least the one given.

    Not interpolated: with N normal images at most floor((1 - specificity) N) false positives are allowed.
    Like every point of a ROC curve of test scores it shows ranking, not a threshold known beforehand.
    """
    from sklearn.metrics import roc_curve

    truth, values = check_run(labels, scores)
    normal = int((~truth).sum())
    allowed = math.floor((1 - check_level("specificity", specificity)) * normal + 1e-9)
    fpr, tpr, _ = roc_curve(truth, values, drop_intermediate=False)
    return float(tpr[np.rint(fpr * normal) <= allowed].max())


def support_threshold(support_scores: ArrayLike, false_positive_rate: float = 0.05) -> SupportThreshold:
    """Threshold from scores of normal support images, no test image or label being looked at.

    Split-conformal quantile (Vovk et al., "Algorithmic Learning in a Random World", 2005; Lei et al.,
    JASA 113, 2018): with k scores the rank is r = ceil((k + 1)(1 - rate)), at most k, and the threshold is
    the next number above the r-th smallest score. A new normal image exchangeable with the k is called
    anomalous with probability at most (k + 1 - r) / (k + 1). So k = 16 cannot promise less than 1/17; then
    the maximum is taken and the rate that it does promise is returned.

    Parameters
    ----------
    support_scores : (k,) array
        Scores of normal images that the scoring model was not fitted on: leave-one-out or leave-fold-out.
        A model that has seen an image scores it too low (a memory bank scores it 0), so scores of the
        fitted model on its own support give a threshold that is too low. With leave-one-out models the
        promise is approximate, since each was fitted on one image fewer.
    false_positive_rate : float
        Wanted share of normal images called anomalous, strictly between 0 and 1.
    """
    scores = np.sort(np.asarray(support_scores, dtype=np.float64))
    if scores.ndim != 1 or not scores.size or not np.isfinite(scores).all():
        raise InputError(
            "support scores cannot give a threshold",
            received=f"shape {scores.shape}, {int((~np.isfinite(scores)).sum())} not finite",
            allowed="one finite score or more, shape (k,)",
        )
    wanted = check_level("false positive rate", false_positive_rate)
    k = scores.size
    rank = min(k, max(1, math.ceil((k + 1) * (1 - wanted) - 1e-9)))
    return SupportThreshold(float(np.nextafter(scores[rank - 1], np.inf)), (k + 1 - rank) / (k + 1))

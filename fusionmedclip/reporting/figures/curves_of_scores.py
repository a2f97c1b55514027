"""ROC and precision-recall curves of image scores, as steps whose areas are the metrics' own."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Steps", "precision_steps", "roc_steps"]


class Steps(NamedTuple):
    """A curve of steps.

    Attributes
    ----------
    edges : (n + 1,) float64 array
        From 0 to 1.
    values : (n,) float64 array
        Height between two edges; their mean is the area below the curve.
    """

    edges: np.ndarray
    values: np.ndarray


def roc_steps(labels: ArrayLike, scores: ArrayLike) -> Steps:
    """True-positive rate in each step of the false-positive rate, one step a normal image.

    Tied scores count half, so that the area is the AUROC.

    Parameters
    ----------
    labels : (N,) array
        1 abnormal, 0 normal; both are there.
    scores : (N,) array
    """
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    positives = np.sort(scores[labels == 1])
    negatives = np.sort(scores[labels == 0])[::-1]
    below = np.searchsorted(positives, negatives, "left") + np.searchsorted(positives, negatives, "right")
    return Steps(np.linspace(0, 1, len(negatives) + 1), 1 - below / (2 * len(positives)))


def precision_steps(labels: ArrayLike, scores: ArrayLike) -> Steps:
    """Precision in each step of the recall, one step an abnormal image; the area is the average precision.

    Parameters
    ----------
    labels, scores : (N,) array
        As in :func:`roc_steps`.
    """
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    positives = np.sort(scores[labels == 1])[::-1]
    every = np.sort(scores)
    found = len(positives) - np.searchsorted(positives[::-1], positives, "left")
    flagged = len(every) - np.searchsorted(every, positives, "left")
    return Steps(np.linspace(0, 1, len(positives) + 1), found / flagged)

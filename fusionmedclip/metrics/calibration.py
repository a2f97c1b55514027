"""Whether a score in [0, 1] means what it says."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.checks import check_run

__all__ = ["Reliability", "brier_score", "expected_calibration_error", "is_probability", "reliability"]


class Reliability(NamedTuple):
    """Reliability diagram: one entry a bin that holds an image.

    Attributes
    ----------
    count : (b,) int64 array
        Images in the bin.
    score : (b,) float64 array
        Their mean score.
    frequency : (b,) float64 array
        Share of them that is anomalous.
    """

    count: np.ndarray  # type: ignore[assignment]  # in place of tuple.count, which nobody asks
    score: np.ndarray
    frequency: np.ndarray


def is_probability(scores: ArrayLike) -> bool:
    """Whether all scores lie in [0, 1], so that calibration can be asked about at all."""
    array = np.asarray(scores)
    return bool(((array >= 0) & (array <= 1)).all())


def _check(labels: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    truth, values = check_run(labels, scores)
    if not is_probability(values):
        raise InputError(
            "scores are no probabilities, so calibration is undefined",
            received=f"{values.min():g} to {values.max():g}",
            allowed="0 to 1",
            hint="leave the cell empty: rescaling by the test scores would look at the test set",
        )
    return truth, values


def reliability(labels: ArrayLike, scores: ArrayLike, *, bins: int = 15) -> Reliability:
    """Group images by score into equal-width bins (lower edge excluded, upper included, 0 in the first).

    Parameters
    ----------
    labels : (n,) array of bool or 0/1
    scores : (n,) array
        In [0, 1].
    bins : int
        Number of bins; 15 in Guo et al., ICML 2017.
    """
    truth, values = _check(labels, scores)
    if bins < 1:
        raise InputError("no bins to group scores by", received=bins, allowed="1 or more")
    edges = np.linspace(0, 1, bins + 1)
    which = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, bins - 1)
    count = np.bincount(which, minlength=bins)
    used = count > 0
    return Reliability(
        count[used],
        np.bincount(which, values, bins)[used] / count[used],
        np.bincount(which, truth, bins)[used] / count[used],
    )


def expected_calibration_error(labels: ArrayLike, scores: ArrayLike, *, bins: int = 15) -> float:
    """Mean over images of |mean score - anomalous share| of the image's bin; 0-1, lower is better.

    Naeini et al., AAAI 2015; Guo et al., ICML 2017, equation 5, for the anomalous class.
    """
    table = reliability(labels, scores, bins=bins)
    return float((table.count * np.abs(table.score - table.frequency)).sum() / table.count.sum())


def brier_score(labels: ArrayLike, scores: ArrayLike) -> float:
    """Mean squared difference between score and label (Brier 1950); 0-1, lower is better."""
    truth, values = _check(labels, scores)
    return float(np.mean((values - truth) ** 2))

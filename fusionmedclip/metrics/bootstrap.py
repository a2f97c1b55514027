"""Stratified bootstrap of the AUROC over test images.

Normal and anomalous images are resampled separately, so every draw has the class sizes of the test set.
Draws depend on the seed, the class and the class size only: two methods scored on the same images are
resampled alike (their difference is paired), and the first 1,000 of 2,000 draws are the draws of 1,000.
"""

import numpy as np
from numpy.typing import ArrayLike

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.checks import check_level, check_runs
from fusionmedclip.metrics.image import image_auroc
from fusionmedclip.metrics.intervals import Comparison, Interval
from fusionmedclip.randomness import generator

__all__ = ["auroc_draws", "bootstrap_auroc", "bootstrap_auroc_difference", "percentile_ends"]

_BLOCK = 1 << 21


def auroc_draws(labels: ArrayLike, scores: ArrayLike, *, draws: int = 2000, seed: int = 0) -> np.ndarray:
    """AUROC of each bootstrap draw, ties counting one half, exact (integer counts until one division).

    Parameters
    ----------
    labels : (n,) array of bool or 0/1
    scores : (n,) or (M, n) array
        Scores of M methods, or seeds, on the same images.
    draws : int
        Number of draws B.
    seed : int
        Keys the draws: ``generator(seed, "bootstrap", c).integers(0, m, (B, m))`` indexes, for c "normal"
        and "anomalous", the m images of that class in their given order.

    Returns
    -------
    (M, B) float64 array
        Row m holds the AUROC of method m; column b is one and the same set of images for all.
    """
    truth, values = check_runs(labels, scores)
    if draws < 1:
        raise InputError("no bootstrap draws to make", received=draws, allowed="1 or more")
    sizes = {"normal": int((~truth).sum()), "anomalous": int(truth.sum())}
    streams = {name: generator(seed, "bootstrap", name) for name in sizes}
    order = [_Order(row[~truth], row[truth]) for row in values]
    block = max(1, _BLOCK // truth.size)
    found = []
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        weights = [_multiplicity(streams[name], rows, sizes[name]) for name in ("normal", "anomalous")]
        found.append(np.stack([each.wins(*weights) for each in order]))
    return np.concatenate(found, axis=1) / (2 * sizes["normal"] * sizes["anomalous"])


def _multiplicity(stream: np.random.Generator, rows: int, size: int) -> np.ndarray:
    """How often each of `size` images was drawn, in `rows` draws: (rows, size) int64."""
    picks = stream.integers(0, size, (rows, size)) + size * np.arange(rows)[:, None]
    return np.bincount(picks.ravel(), minlength=rows * size).reshape(rows, size)


class _Order:
    """Where each anomalous score falls among the sorted normal scores: all that an AUROC needs."""

    def __init__(self, normal: np.ndarray, anomalous: np.ndarray):
        self.by_score = np.argsort(normal, kind="stable")
        ranked = normal[self.by_score]
        self.below = np.searchsorted(ranked, anomalous, side="left")
        self.not_above = np.searchsorted(ranked, anomalous, side="right")

    def wins(self, normal: np.ndarray, anomalous: np.ndarray) -> np.ndarray:
        """Twice the Mann-Whitney statistic of each draw: (rows,) int64, from (rows, N) and (rows, P)."""
        upto = np.zeros((len(normal), normal.shape[1] + 1), np.int64)
        np.cumsum(normal[:, self.by_score], axis=1, out=upto[:, 1:])
        beaten = upto[:, self.below] + upto[:, self.not_above]
        return np.einsum("bp,bp->b", beaten, anomalous)


def percentile_ends(values: np.ndarray, level: float) -> tuple[float, float]:
    """Percentile interval of bootstrap draws (Efron and Tibshirani 1993, section 13.3), linear quantiles."""
    tail = (1 - check_level("level", level)) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def bootstrap_auroc(
    labels: ArrayLike, scores: ArrayLike, *, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> Interval:
    """AUROC of one run with a percentile bootstrap interval over test images.

    An AUROC of exactly 1 gives [1, 1]: resampling cannot show images that were never seen.
    """
    found = auroc_draws(labels, scores, draws=draws, seed=seed)[0]
    return Interval(image_auroc(labels, scores), *percentile_ends(found, level))


def bootstrap_auroc_difference(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """AUROC of `first` minus that of `second` on the same images, with a paired percentile interval.

    There is no p-value; see :func:`fusionmedclip.metrics.delong_test` for one.
    """
    a, b = auroc_draws(labels, np.stack([first, second]), draws=draws, seed=seed)
    difference = image_auroc(labels, first) - image_auroc(labels, second)
    return Comparison(difference, *percentile_ends(a - b, level), None)

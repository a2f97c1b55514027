"""Intervals that hold over both seeds (support draws) and test images.

An interval over test images alone says nothing of another support set; one over seeds alone nothing of
other images. Here both are drawn. Test images are shared by all seeds, as in the protocol.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.bootstrap import auroc_draws, percentile_ends
from fusionmedclip.metrics.checks import check_runs
from fusionmedclip.metrics.delong import DeLong, delong
from fusionmedclip.metrics.intervals import Comparison, Interval, compare, t_reach
from fusionmedclip.metrics.seeds import check_values
from fusionmedclip.randomness import generator

__all__ = [
    "RandomSeeds",
    "auroc_difference_over_seeds",
    "auroc_draws_over_seeds",
    "auroc_over_seeds",
    "bootstrap_auroc_over_seeds",
    "random_seeds",
]


class RandomSeeds(NamedTuple):
    """Mean over seeds, its standard error and degrees of freedom."""

    mean: float
    standard_error: float
    degrees: float


def random_seeds(values: ArrayLike, covariance: float = 0.0) -> RandomSeeds:
    """Standard error of a mean over seeds that share their test images.

    Obuchowski and Rockette (1995) with the degrees of freedom of Hillis, Statistics in Medicine 26 (2007)
    596-619, for one modality; a seed stands where they have a reader and an image where they have a case:
    SE**2 = MS / S + max(covariance, 0) and df = (MS + S max(covariance, 0))**2 / (MS**2 / (S - 1)), MS
    being the variance of the S values (divisor S - 1).

    Parameters
    ----------
    values : (S,) array
        A metric, or a difference of two methods in it, for two seeds or more.
    covariance : float
        Covariance of the values of two seeds that comes from sharing test images (their "Cov2"). With 0
        this is the ordinary t interval over seeds, which holds for these very test images only.
    """
    array = check_values(values)
    if array.size < 2:
        raise InputError("one seed has no spread", received=array.tolist(), allowed="two seeds or more")
    spread, images = float(array.var(ddof=1)), max(float(covariance), 0.0)
    total = spread + array.size * images
    share = spread / total if total > 0 else 0.0
    # Beyond about 1e16 degrees of freedom t is the normal distribution.
    degrees = (array.size - 1) / share**2 if share > 1e-8 else math.inf
    return RandomSeeds(float(array.mean()), math.sqrt(total / array.size), degrees)


def auroc_over_seeds(labels: ArrayLike, scores: ArrayLike, *, level: float = 0.95) -> Interval:
    """Mean AUROC over seeds with an interval over seeds and test images; the one to print in a table.

    Parameters
    ----------
    labels : (n,) array of bool or 0/1
    scores : (S, n) array
        Scores of S runs of one method, each with its own support set, on the same n images.

    Returns
    -------
    Interval
        t interval of :func:`random_seeds`, the covariance being the mean DeLong covariance of two seeds,
        cut to [0, 1]. For one seed there is no spread over seeds: DeLong's normal interval over images.
    """
    found = _over_seeds(delong(labels, scores))
    reach = t_reach(found.standard_error, level=level, degrees=found.degrees)
    return Interval(found.mean, max(0.0, found.mean - reach), min(1.0, found.mean + reach))


def auroc_difference_over_seeds(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, *, level: float = 0.95
) -> Comparison:
    """Difference of two methods' mean AUROCs, with interval and p-value over seeds and test images.

    Parameters
    ----------
    labels : (n,) array of bool or 0/1
    first, second : (S, n) arrays
        Scores; row s of both comes from the same support set.

    Returns
    -------
    Comparison
        First minus second; with one seed, over test images only (DeLong's test).
    """
    a, b = np.atleast_2d(np.asarray(first)), np.atleast_2d(np.asarray(second))
    if a.shape != b.shape:
        raise InputError(
            "two methods were not run on the same seeds and images",
            received=(a.shape, b.shape),
            allowed="equal shapes (S, n)",
        )
    found = _over_seeds(delong(labels, a).minus(delong(labels, b)))
    return compare(found.mean, found.standard_error, level=level, degrees=found.degrees)


def _over_seeds(found: DeLong) -> RandomSeeds:
    values, covariance = found.aurocs, found.covariance
    seeds = len(values)
    if seeds == 1:
        return RandomSeeds(float(values[0]), math.sqrt(covariance[0, 0]), math.inf)
    return random_seeds(values, float(covariance.sum() - np.trace(covariance)) / (seeds * (seeds - 1)))


def auroc_draws_over_seeds(
    labels: ArrayLike, scores: ArrayLike, *, draws: int = 2000, seed: int = 0
) -> np.ndarray:
    """Mean AUROC of each bootstrap draw of seeds and, independently, of test images.

    Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007) 386-411: each draw takes S seeds
    with replacement and, stratified by class, one set of images for all of them.

    Parameters
    ----------
    labels : (n,) array of bool or 0/1
    scores : (S, n) array
    draws, seed
        As in :func:`fusionmedclip.metrics.auroc_draws`; seeds are picked by
        ``generator(seed, "bootstrap", "seeds").integers(0, S, (draws, S))``.

    Returns
    -------
    (draws,) float64 array
        Of two methods with the same seeds and images, draw b takes the same of both: differences are paired.
    """
    each = auroc_draws(labels, scores, draws=draws, seed=seed)
    picks = generator(seed, "bootstrap", "seeds").integers(0, len(each), (draws, len(each)))
    return each[picks, np.arange(draws)[:, None]].mean(axis=1)


def bootstrap_auroc_over_seeds(
    labels: ArrayLike, scores: ArrayLike, *, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Mean AUROC over seeds with a percentile interval of :func:`auroc_draws_over_seeds`.

    With few seeds it is too narrow where seeds matter more than images (three seeds: 78 % covered instead of
    95 % in our simulation, docs/metrics.md) and about right elsewhere; :func:`auroc_over_seeds` stays above
    91 % in both.

    Parameters
    ----------
    labels : (n,) array of bool or 0/1
    scores : (S, n) array
    draws, level, seed
        As in :func:`auroc_draws_over_seeds`.
    """
    truth, values = check_runs(labels, scores)
    means = auroc_draws_over_seeds(truth, values, draws=draws, seed=seed)
    return Interval(float(delong(truth, values).aurocs.mean()), *percentile_ends(means, level))

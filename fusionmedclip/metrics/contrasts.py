"""Weighted sums of mean metrics over seeds, and the doubt in them: support draws, test images, pool.

A sum of cells of one data set is a value for each seed, since all methods share support and test images. Its
doubt has the parts of :mod:`fusionmedclip.metrics.replication`, one laboratory's alone; sums of several data
sets, which share nothing, add up.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, stdtr

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.delong import DeLong
from fusionmedclip.metrics.intervals import t_reach
from fusionmedclip.metrics.replication import PrintedDifference
from fusionmedclip.metrics.seeds import check_values
from fusionmedclip.metrics.split_draw import SplitDraw

__all__ = ["Estimate", "Group", "contrast", "of_replication"]


class Group(NamedTuple):
    """What one data set adds to a sum.

    Attributes
    ----------
    values : (S,) sequence of float
        Weighted sum of its cells' metric, 0-1, one a seed, two or more.
    components : DeLong or None
        The same sum of DeLong's components, (S, n) each; None where test images are not kept.
    draw : SplitDraw
    by_k : sequence of (k, (S,) values)
        For each number of support images in the sum, its part; of a smaller k where ``draw`` says that
        supports of k tell nothing of another pool.
    """

    values: Sequence[float]
    components: DeLong | None
    draw: SplitDraw
    by_k: Sequence[tuple[int, Sequence[float]]]


class Estimate(NamedTuple):
    """A sum, and how sure it is.

    Attributes
    ----------
    value, standard_error : float
    degrees : float
        Of freedom, Satterthwaite's; infinite where the doubt is all of test images.
    seeds : int
    of_draws : float
        Variance that one support draw brings; ``standard_error**2`` is this over ``seeds`` and ``of_split``.
    of_split : float
        Variance of test images and pool, which more draws do not lessen.
    """

    value: float
    standard_error: float
    degrees: float
    seeds: int
    of_draws: float
    of_split: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided t interval."""
        reach = t_reach(self.standard_error, level=level, degrees=self.degrees)
        return self.value - reach, self.value + reach

    def above(self, bound: float) -> float:
        """P-value against "it is at most this"; 1 for a bound of minus infinity, or where nothing varies."""
        if math.isinf(bound) or self.standard_error <= 1e-12:
            return 1.0
        ratio = (bound - self.value) / self.standard_error
        return float(ndtr(ratio) if math.isinf(self.degrees) else stdtr(self.degrees, ratio))

    def below(self, bound: float) -> float:
        """P-value against "it is at least this"."""
        mirrored = self._replace(value=-self.value)
        return mirrored.above(-bound)


def contrast(groups: Sequence[Group]) -> Estimate:
    """A sum over seeds, test images and pools.

    With s the deviation from seed to seed, i the standard error that test images bring (mean DeLong
    covariance of two seeds, all of it, since the claim is of new images) and q that of the pool, as in
    :func:`fusionmedclip.metrics.printed_difference`: variance s^2 / S + (i + q)^2. Parts of a sum with
    different k come from one pool; their q add up as they are, the most that they can come to.

    Raises
    ------
    InputError
        For one seed, which has no spread.
    """
    total = doubt = value = of_draws = of_split = 0.0
    seeds = 0
    for group in groups:
        array = check_values(group.values)
        if array.size < 2:
            raise InputError("one seed has no spread", received=array.tolist(), allowed="two seeds or more")
        spread = float(array.var(ddof=1))
        pools = sum(
            math.sqrt(float(np.var(values, ddof=1)) * group.draw.pool_share(k)) for k, values in group.by_k
        )
        split = (math.sqrt(_images(group.components)) + pools) ** 2
        value += float(array.mean())
        of_draws += spread
        of_split += split
        total += spread / array.size + split
        doubt += (spread / array.size + pools**2) ** 2 / (array.size - 1)
        seeds = array.size
    share = doubt / total**2 if total > 0 else 0.0
    degrees = 1 / share if share > 1e-16 else math.inf
    return Estimate(value, math.sqrt(total), degrees, seeds, of_draws, of_split)


def _images(components: DeLong | None) -> float:
    if components is None:
        return 0.0
    covariance = components.covariance
    seeds = len(covariance)
    return max(float(covariance.sum() - np.trace(covariance)) / (seeds * (seeds - 1)), 0.0)


def of_replication(found: PrintedDifference, mean: float, seeds: int) -> Estimate:
    """Our mean as an estimate of a printed one: the doubt is that of their difference."""
    draws = found.our_seeds**2
    return Estimate(
        mean,
        found.standard_error,
        found.degrees,
        seeds,
        draws * seeds,
        max(found.standard_error**2 - draws, 0.0),
    )

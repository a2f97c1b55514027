"""Our mean against a printed one: what of their difference chance explains if the method is the same.

A printed figure is the mean and the deviation of a few repetitions on a test set that is not at hand. A
replication's mean differs from it by chance, on either side by

- support draws and training: the spread over seeds, over the root of their number;
- test images: others of the same public set (DeLong's covariance);
- the pool: what is not tested. Another test set leaves another pool, and support sets of two pools differ by
  more than those of one, which are all that a spread over seeds shows.

Where all images of a class are tested both sides have the same ones, and those add nothing.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.intervals import compare
from fusionmedclip.metrics.seeds import check_values
from fusionmedclip.metrics.split_draw import SplitDraw

__all__ = ["PrintedDifference", "PrintedMean", "Spread", "printed_difference"]

_ROUNDED = 0.001**2 / 12
"""Variance of what a mean printed to 0.1 percent hides."""


class PrintedMean(NamedTuple):
    """A printed cell, 0-1: mean and deviation of some repetitions (three in the thesis, section 4.2)."""

    mean: float
    std: float
    repeats: int = 3


class Spread(NamedTuple):
    """How far support draws of one size spread.

    Attributes
    ----------
    k : int
        Support images.
    values : sequence of float
        Ours, one a seed, two seeds or more.
    printed_std : float
    """

    k: int
    values: Sequence[float]
    printed_std: float

    def variance(self, repeats: int) -> tuple[float, int]:
        """Variance of one draw, of ours and the printed ones together, and its degrees of freedom.

        A replication spreads as the original did. Ours alone is taken where it is the larger: a printed
        deviation may be small by luck or by its divisor, and must not make ours look smaller than it is.
        """
        ours, own = float(np.var(self.values, ddof=1)), len(self.values) - 1
        degrees = own + repeats - 1
        return max(ours, (own * ours + (repeats - 1) * self.printed_std**2) / degrees), degrees


class PrintedDifference(NamedTuple):
    """Ours minus the printed mean.

    Attributes
    ----------
    difference, low, high : float
        With the ends of its interval.
    p_value : float or None
        Two-sided, of a difference as large if the method is the same.
    our_seeds, printed_seeds, our_images, printed_images, pool : float
        Standard errors behind the interval; ``pool`` is of each side. Images and pool of a side add up as
        they are, not by their squares: one draw makes both.
    standard_error, degrees : float
        What they come to, and its degrees of freedom.
    """

    difference: float
    low: float
    high: float
    p_value: float | None
    our_seeds: float
    printed_seeds: float
    our_images: float
    printed_images: float
    pool: float
    standard_error: float
    degrees: float


def printed_difference(
    values: ArrayLike,
    printed: PrintedMean,
    *,
    k: int,
    draw: SplitDraw,
    images: tuple[float, float] = (0.0, 0.0),
    smaller: Spread | None = None,
    level: float = 0.95,
) -> PrintedDifference:
    """Difference of our mean from a printed one, with the interval that a replication's would have.

    Degrees of freedom are Satterthwaite's (Biometrics Bulletin 2 (1946) 110-114), since spreads are known
    from a few draws alone.

    Parameters
    ----------
    values : (S,) array
        The metric, 0-1, one value a seed, two seeds or more.
    printed : PrintedMean
    k : int
        Support images.
    draw : SplitDraw
    images : (float, float)
        Variances from :func:`fusionmedclip.metrics.image_variances`; zeros leave test images out.
    smaller : Spread, optional
        Of the same method with fewer support images, for a k of more than half of the pool: support sets are
        then nearly one, and their spread tells nothing of another pool.
    level : float

    Raises
    ------
    InputError
        For one seed, or where ``smaller`` is needed and missing or itself of more than half of the pool.
    """
    array = check_values(values)
    if array.size < 2:
        raise InputError("one seed has no spread", received=array.tolist(), allowed="two seeds or more")
    here = Spread(k, array.tolist(), printed.std)
    shown = here if draw.shows_pools(k) else smaller
    if shown is None or not draw.shows_pools(shown.k):
        raise InputError(
            "nothing tells how far another pool would lie",
            received=f"k = {k if shown is None else shown.k} of a pool of {draw.pool}",
            allowed=f"a spread at k up to {draw.pool // 2}",
        )
    of_draws, degrees = here.variance(printed.repeats)
    of_pools, pool_degrees = shown.variance(printed.repeats)
    of_pools *= draw.pool_share(shown.k)
    seeds = (of_draws / array.size, of_draws / printed.repeats)
    known = [(sum(seeds), degrees), (2 * of_pools, pool_degrees)]
    if shown is here:  # one estimate behind both
        known = [(sum(seeds) + 2 * of_pools, degrees)]
    splits = [(math.sqrt(of_images) + math.sqrt(of_pools)) ** 2 for of_images in images]
    total = sum(seeds) + sum(splits) + _ROUNDED
    doubt = sum(variance**2 / free for variance, free in known)
    error, free = math.sqrt(total), total**2 / doubt if doubt > 0 else math.inf
    found = compare(float(array.mean()) - printed.mean, error, level=level, degrees=free)
    ours, theirs, our_images, printed_images, pool = map(math.sqrt, (*seeds, *images, of_pools))
    return PrintedDifference(*found, ours, theirs, our_images, printed_images, pool, error, free)

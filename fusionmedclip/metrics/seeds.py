"""Values of one metric over seeds (support draws): summary, and how many draws tell two methods apart."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.checks import check_level

__all__ = ["DrawsNeeded", "Summary", "draws_to_tell_apart", "paired_t_power", "summarise"]

_MOST_DRAWS = 1_000_000


class Summary(NamedTuple):
    """Mean and spread of one metric over seeds.

    Attributes
    ----------
    mean : float
    std : float or None
        Standard deviation of one draw, divisor n - 1; None for a single seed, of which none is known.
    n_seeds : int
    """

    mean: float
    std: float | None
    n_seeds: int


class DrawsNeeded(NamedTuple):
    """How many support draws it takes to tell two methods apart.

    Attributes
    ----------
    draws : int or None
        Smallest number of paired draws at which a two-sided paired t test has the power asked for, if the
        observed mean and spread of the difference were the true ones. None where the difference is 0, the
        spread is unknown (one draw) or more than a million would be needed.
    low, high : int or None
        The same at the ends of the chi-square interval of the spread: the observed spread of three draws
        can be off by a factor of six. The difference itself is held fixed.
    difference : float
        Mean of first minus second.
    std : float or None
        Standard deviation of that difference from draw to draw, divisor n - 1.
    """

    draws: int | None
    low: int | None
    high: int | None
    difference: float
    std: float | None


def check_values(values: ArrayLike) -> np.ndarray:
    """Values of one metric, one a seed: (S,) float64, finite, at least one."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise InputError(
            "the values over seeds are unusable",
            received=array.tolist(),
            allowed="one finite number a seed, at least one seed",
            hint="leave out what was not run; it is no zero and no NaN",
        )
    return array


def summarise(values: ArrayLike) -> Summary:
    """Mean and standard deviation (ddof = 1) over seeds.

    Parameters
    ----------
    values : (S,) array
        One value a seed.
    """
    array = check_values(values)
    std = float(array.std(ddof=1)) if array.size > 1 else None
    return Summary(float(array.mean()), std, array.size)


def paired_t_power(draws: int, effect: float, alpha: float = 0.05) -> float:
    """Power of the two-sided paired t test (Cohen 1988, chapter 2; noncentral t).

    Parameters
    ----------
    draws : int
        Number of pairs n, 2 or more.
    effect : float
        Mean of the difference over its standard deviation; the noncentrality is effect * sqrt(n).
    alpha : float
        Significance level.
    """
    if draws < 2:
        raise InputError("a paired test needs pairs", received=draws, allowed="2 or more")
    from scipy.stats import nct, t

    shift = abs(effect) * math.sqrt(draws)
    critical = t.isf(check_level("alpha", alpha) / 2, draws - 1)
    return float(nct.sf(critical, draws - 1, shift) + nct.cdf(-critical, draws - 1, shift))


def draws_to_tell_apart(
    first: ArrayLike, second: ArrayLike, *, power: float = 0.8, alpha: float = 0.05
) -> DrawsNeeded:
    """How many paired support draws a comparison of two methods would need.

    Parameters
    ----------
    first, second : (S,) arrays
        The same metric of two methods; entry s of both comes from the same support set.
    power : float
        Wanted probability of a significant difference.
    alpha : float
        Significance level of the two-sided paired t test.

    Notes
    -----
    The search starts at the normal approximation n = ((z(1 - alpha / 2) + z(power)) * std / difference)**2,
    which is always a little too small, and goes up to the first n with :func:`paired_t_power` >= `power`.
    """
    a, b = check_values(first), check_values(second)
    if a.shape != b.shape:
        raise InputError(
            "two methods have different numbers of draws",
            received=(a.size, b.size),
            allowed="the same support sets for both",
        )
    check_level("power", power)
    check_level("alpha", alpha)
    difference, std, n = summarise(a - b)
    if std is None:
        return DrawsNeeded(None, None, None, difference, None)
    from scipy.stats import chi2

    # 95 % interval of a standard deviation of n normal values.
    tails = [math.sqrt((n - 1) / chi2.ppf(q, n - 1)) for q in (0.975, 0.025)]
    middle, low, high = (_draws(difference, std * factor, power, alpha) for factor in (1.0, *tails))
    return DrawsNeeded(middle, low, high, difference, std)


def _draws(difference: float, std: float, power: float, alpha: float) -> int | None:
    if difference == 0:
        return None
    if std == 0:
        return 2
    from scipy.stats import norm

    z = norm.isf(alpha / 2) + norm.ppf(power)
    start = max(2.0, (z * std / difference) ** 2)
    if start > _MOST_DRAWS:
        return None
    draws = math.floor(start)
    while paired_t_power(draws, difference / std, alpha) < power:
        draws += 1
    return draws

"""What an interval and a comparison of two methods consist of."""

import math
from typing import NamedTuple

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from fusionmedclip.metrics.checks import check_level

__all__ = ["Comparison", "Interval", "compare", "t_reach"]


class Interval(NamedTuple):
    """An estimate and its interval.

    Attributes
    ----------
    estimate : float
        From all data, not the mean of resamples.
    low, high : float
        Ends of the interval.
    """

    estimate: float
    low: float
    high: float


class Comparison(NamedTuple):
    """Difference of two methods on the same test images, first minus second.

    Attributes
    ----------
    difference : float
    low, high : float
        Ends of the interval of the difference.
    p_value : float or None
        Two-sided, against no difference; None where the variance is estimated as zero although the
        difference is not (nothing can be said then), or where the procedure defines none.
    """

    difference: float
    low: float
    high: float
    p_value: float | None


def t_reach(standard_error: float, *, level: float, degrees: float = math.inf) -> float:
    """Half width of the two-sided t interval; infinite degrees of freedom mean the normal distribution."""
    tail = (1 - check_level("level", level)) / 2
    return float(-ndtri(tail) if math.isinf(degrees) else -stdtrit(degrees, tail)) * standard_error


def compare(
    difference: float, standard_error: float, *, level: float, degrees: float = math.inf
) -> Comparison:
    """Interval and p-value of a difference that, over its standard error, follows a t distribution."""
    # Equal structural components differ by rounding at most, never by as much as one pair of images.
    error = standard_error if standard_error > 1e-12 else 0.0
    reach = t_reach(error, level=level, degrees=degrees)
    p_value: float | None
    if error:
        ratio = -abs(difference) / error
        p_value = float(2 * (ndtr(ratio) if math.isinf(degrees) else stdtr(degrees, ratio)))
    else:
        p_value = 1.0 if abs(difference) < 1e-12 else None
    return Comparison(difference, difference - reach, difference + reach, p_value)

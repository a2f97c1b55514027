"""Whether several sums all keep their bounds: tests of "they do not" and of "they do"."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from fusionmedclip.metrics.contrasts import Estimate
from fusionmedclip.metrics.delong import holm

__all__ = ["Bounds", "against", "both_ways", "draws_to_tell", "for_all", "one_breaks", "one_keeps"]


class Bounds(NamedTuple):
    """Where a sum lies if the claim holds; infinite where there is no bound."""

    low: float
    high: float


def one_keeps(estimate: Estimate, bounds: Bounds) -> float:
    """P-value against "it lies outside": two one-sided tests, each of which must reject (Schuirmann 1987)."""
    sides = [estimate.above(bounds.low)] if math.isfinite(bounds.low) else []
    sides += [estimate.below(bounds.high)] if math.isfinite(bounds.high) else []
    return max(sides)


def one_breaks(estimate: Estimate, bounds: Bounds) -> float:
    """P-value against "it lies within"; of two sides, either of which may reject, twice the smaller."""
    sides = [estimate.below(bounds.low)] if math.isfinite(bounds.low) else []
    sides += [estimate.above(bounds.high)] if math.isfinite(bounds.high) else []
    return min(1.0, len(sides) * min(sides))


def for_all(p_values: Sequence[float]) -> float:
    """P-value against "not all hold": the largest.

    An intersection-union test (Berger, Technometrics 24 (1982) 295-300). "Not all hold" is a union: rejected
    only if each of its parts is, each at the full level. Since some part is true where the union is, a wrong
    rejection needs that part's own test to err: no correction for their number, whatever their dependence.
    """
    return max(p_values)


def against(p_values: Sequence[float]) -> float:
    """P-value against "all hold": one that fails is enough, so the smallest, times their number."""
    return min(1.0, len(p_values) * min(p_values))


def both_ways(
    supports: Sequence[float | None], refutes: Sequence[float | None]
) -> tuple[list[float | None], list[float | None]]:
    """P-values of many claims, corrected for their number, None where a claim is not tested.

    Two families, "claim i does not hold" and "claim i holds", each by Holm at half of the level: doubled
    here. The chance that any verdict is wrong, in whichever direction, is then at most the level, whatever
    the dependence. (Holm over two-sided p-values is not known to guard the direction.)
    """
    return _corrected(supports), _corrected(refutes)


def _corrected(p_values: Sequence[float | None]) -> list[float | None]:
    known = [p for p in p_values if p is not None]
    raised = iter(np.minimum(2 * holm(known), 1).tolist() if known else [])
    return [None if p is None else next(raised) for p in p_values]


_MOST = 1_000_000


def draws_to_tell(estimate: Estimate, distance: float, *, level: float, power: float = 0.8) -> int | None:
    """Support draws with which a one-sided test would tell a sum from a bound, were it as far as it looks.

    Parameters
    ----------
    estimate : Estimate
    distance : float
        Of the sum from the bound, positive.
    level : float
        Of the test, after correction.
    power : float

    Returns
    -------
    int or None
        None where no million would do: test images and pool leave too much doubt.
    """

    def told(seeds: int) -> bool:
        variance = estimate.of_draws / seeds + estimate.of_split
        if variance <= 0:
            return True
        degrees = (
            estimate.degrees
            if math.isinf(estimate.degrees)
            else (seeds - 1) * variance**2 / max((estimate.of_draws / seeds) ** 2, 1e-300)
        )
        degrees = min(degrees, 1e12)
        reach = -stdtrit(degrees, level) + -stdtrit(degrees, 1 - power)
        return distance >= reach * math.sqrt(variance)

    if distance <= 0 or not told(_MOST):
        return None
    low, high = 1, _MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if told(middle) else (middle, high)
    return max(high, 2)

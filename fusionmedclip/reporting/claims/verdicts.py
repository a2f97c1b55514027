"""Which claims stand: the rules of docs/claims.md."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fusionmedclip.metrics.conjunctions import (
    Bounds,
    against,
    both_ways,
    draws_to_tell,
    for_all,
    one_breaks,
    one_keeps,
)
from fusionmedclip.metrics.contrasts import Estimate
from fusionmedclip.reporting.claims.catalogue import METRICS, Claim
from fusionmedclip.reporting.claims.comparisons import Comparison
from fusionmedclip.reporting.claims.evidence import NO_POOL, ONE_SEED, Evidence
from fusionmedclip.reporting.comparisons.text import ALPHA
from fusionmedclip.reporting.thesis.paper import printed

__all__ = [
    "CANNOT_TELL", "CONTRADICTED", "NOT_TESTABLE", "OWN_TABLES", "SUPPORTED", "VERDICTS", "Judged",
    "judge_claims", "printed_sum",
]  # fmt: skip

SUPPORTED, CONTRADICTED = "supported", "contradicted"
OWN_TABLES = "contradicted by its own tables"
CANNOT_TELL, NOT_TESTABLE = "cannot be told", "not testable here"
VERDICTS = (SUPPORTED, CONTRADICTED, OWN_TABLES, CANNOT_TELL, NOT_TESTABLE)
"""In the order that a reader gets them."""

_TOO_FEW = (ONE_SEED, NO_POOL)
"""What more draws or a smaller support set would mend, while all else is there."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A claim and its verdict.

    Attributes
    ----------
    claim : Claim
    verdict : str
        One of :data:`VERDICTS`.
    estimates : tuple of (Estimate or str)
        Of each comparison, or why there is none.
    deciding : int or None
        The comparison that the verdict hangs on: the least sure one of a claim that is supported, the surest
        of one that is contradicted.
    p_value : float or None
        Corrected for the number of claims; of the nearer of the two verdicts.
    draws : int or None
        Support draws that would tell; None where none would, or nothing is to tell.
    """

    claim: Claim
    verdict: str
    estimates: tuple[Estimate | str, ...] = ()
    deciding: int | None = None
    p_value: float | None = None
    draws: int | None = None


def printed_sum(comparison: Comparison) -> float:
    """What the thesis's own tables give, 0-1."""
    figures = [(printed(*cell, METRICS[cell.table]), weight) for cell, weight in comparison.terms]
    return sum(weight * figure.mean for figure, weight in figures if figure is not None)


def _unlike_its_tables(comparison: Comparison) -> bool:
    """Whether no value that rounds to what is printed keeps the bounds."""
    slack = 0.0005 * sum(abs(weight) for _, weight in comparison.terms) + 1e-9
    found = printed_sum(comparison)
    return found + slack < comparison.said_low or found - slack > comparison.said_high


def judge_claims(claims: Sequence[Claim], evidence: Evidence) -> list[Judged]:
    """A verdict for each claim, in their order.

    Parameters
    ----------
    claims : sequence of Claim
    evidence : Evidence
    """
    own = [[c for c in claim.comparisons if _unlike_its_tables(c)] for claim in claims]
    found = [tuple(evidence.estimate(c) for c in claim.comparisons) for claim in claims]
    tried = [[] if broken else each for broken, each in zip(own, found, strict=True)]
    parts = [_parts(claim, each) for claim, each in zip(claims, tried, strict=True)]
    supports = [
        for_all([keeps for _, keeps, _ in part]) if part and len(part) == len(claim.comparisons) else None
        for claim, part in zip(claims, parts, strict=True)
    ]
    refutes = [against([breaks for _, _, breaks in part]) if part else None for part in parts]
    family = max(sum(p is not None for p in refutes), 1)
    corrected = both_ways(supports, refutes)
    judged = []
    for claim, broken, each, part, p in zip(
        claims, own, found, parts, zip(*corrected, strict=True), strict=True
    ):
        if broken:
            deciding = claim.comparisons.index(broken[0])
            judged.append(Judged(claim=claim, verdict=OWN_TABLES, estimates=each, deciding=deciding))
        else:
            judged.append(_judge(claim, each, part, p, family))
    return judged


Part = tuple[int, float, float]
"""Number of a comparison, its p-values against "it breaks its bounds" and "it keeps them"."""


def _parts(claim: Claim, estimates: Sequence[Estimate | str]) -> list[Part]:
    return [
        (number, one_keeps(found, _bounds(comparison)), one_breaks(found, _bounds(comparison)))
        for number, (comparison, found) in enumerate(zip(claim.comparisons, estimates, strict=False))
        if isinstance(found, Estimate)
    ]


def _bounds(comparison: Comparison) -> Bounds:
    return Bounds(comparison.low, comparison.high)


def _judge(
    claim: Claim,
    estimates: tuple[Estimate | str, ...],
    parts: Sequence[Part],
    p: tuple[float | None, float | None],
    family: int,
) -> Judged:
    missing = {found for found in estimates if isinstance(found, str)}
    supported, refuted = p
    whole = bool(parts) and not missing
    weakest = max(parts, key=lambda part: part[1])[0] if parts else None
    worst = min(parts, key=lambda part: part[2])[0] if parts else None
    if refuted is not None and refuted <= ALPHA:
        return Judged(claim=claim, verdict=CONTRADICTED, estimates=estimates, deciding=worst, p_value=refuted)
    if supported is not None and supported <= ALPHA:
        return Judged(
            claim=claim, verdict=SUPPORTED, estimates=estimates, deciding=weakest, p_value=supported
        )
    if not claim.comparisons or not (whole or missing <= set(_TOO_FEW)):
        return Judged(claim=claim, verdict=NOT_TESTABLE, estimates=estimates, p_value=refuted)
    breaking = [number for number, *_ in parts if _distance(claim.comparisons[number], estimates[number]) < 0]
    draws = _draws(claim, estimates, breaking, family) if whole else None
    p_value = refuted if breaking else supported
    return Judged(
        claim=claim,
        verdict=CANNOT_TELL,
        estimates=estimates,
        deciding=worst if breaking else weakest,
        p_value=p_value,
        draws=draws,
    )


def _distance(comparison: Comparison, found: Estimate | str) -> float:
    """How far inside of its bounds a sum lies; negative outside."""
    assert isinstance(found, Estimate)
    return min(found.value - comparison.low, comparison.high - found.value)


def _draws(
    claim: Claim, estimates: Sequence[Estimate | str], breaking: Sequence[int], family: int
) -> int | None:
    """Draws that would tell what it looks like: that it fails, where a part does, else that it holds."""
    level = ALPHA / 2 / family
    asked = breaking or range(len(estimates))
    if breaking:
        level /= len(estimates)
    found = []
    for number in asked:
        estimate = estimates[number]
        assert isinstance(estimate, Estimate)
        distance = abs(_distance(claim.comparisons[number], estimate))
        bounds = _bounds(claim.comparisons[number])
        sides = math.isfinite(bounds.low) + math.isfinite(bounds.high) if breaking else 1
        found.append(draws_to_tell(estimate, distance, level=level / sides))
    told = [draws for draws in found if draws is not None]
    if breaking:
        return min(told, default=None)
    return max(told) if len(told) == len(found) else None

"""Claims and their verdicts in words and numbers, before any format."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fusionmedclip.metrics.contrasts import Estimate
from fusionmedclip.reporting.claims.catalogue import Claim
from fusionmedclip.reporting.claims.comparisons import Cell, Comparison
from fusionmedclip.reporting.claims.evidence import MISSING, NO_POOL, ONE_SEED
from fusionmedclip.reporting.claims.verdicts import (
    CANNOT_TELL,
    CONTRADICTED,
    OWN_TABLES,
    SUPPORTED,
    VERDICTS,
    Judged,
    printed_sum,
)

__all__ = ["COLUMNS", "claim_line", "claim_lines", "count_text", "said_of"]

COLUMNS = (
    "claim", "verdict", "short", "text", "section", "reading", "because", "comparison", "estimate", "ci_low",
    "ci_high", "at_least", "at_most", "p_corrected", "draws_needed", "comparisons", "compared", "cells",
)  # fmt: skip
"""Columns of ``claims.csv``: a contract. Estimates, intervals and bounds are 0-1."""


def claim_lines(judged: Sequence[Judged], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """A line for each claim, in the order of the verdicts, claims of one verdict in the order given.

    Parameters
    ----------
    judged : sequence of Judged
    titles : mapping
        Of data sets, methods and tables.
    """
    ordered = sorted(judged, key=lambda found: VERDICTS.index(found.verdict))
    return [claim_line(found, titles) for found in ordered]


def claim_line(found: Judged, titles: Mapping[str, str]) -> dict[str, Any]:
    """One claim's columns by name."""
    claim = found.claim
    line: dict[str, Any] = {
        **said_of(claim),
        "verdict": found.verdict,
        "because": _because(found, titles),
        "p_corrected": found.p_value,
        "draws_needed": found.draws,
        "compared": sum(isinstance(estimate, Estimate) for estimate in found.estimates),
    }
    if found.deciding is None:
        return line
    comparison, estimate = claim.comparisons[found.deciding], found.estimates[found.deciding]
    line |= {"comparison": _named(comparison, titles)}
    line |= {"at_least": _finite(comparison.low), "at_most": _finite(comparison.high)}
    if isinstance(estimate, Estimate):
        low, high = estimate.interval()
        line |= {"estimate": estimate.value, "ci_low": low, "ci_high": high}
    return line


def said_of(claim: Claim) -> dict[str, Any]:
    """Columns that hang on no run."""
    return {
        "claim": claim.name,
        "short": claim.short,
        "text": claim.text,
        "section": claim.section,
        "reading": claim.reading,
        "comparisons": len(claim.comparisons),
        "cells": "; ".join(" ".join(map(str, cell)) for cell in claim.cells),
    }


def _finite(bound: float) -> float | None:
    return None if math.isinf(bound) else bound


def _because(found: Judged, titles: Mapping[str, str]) -> str:
    """Why; what is contradicted is our reading, so the reason names it."""
    why, reading = _why(found, titles), found.claim.reading
    return f"{why} Read as: {reading}" if reading and found.verdict in (CONTRADICTED, OWN_TABLES) else why


def _why(found: Judged, titles: Mapping[str, str]) -> str:
    claim = found.claim
    if claim.why:
        return f"{claim.why[0].upper()}{claim.why[1:]}."
    missing = Counter(estimate for estimate in found.estimates if isinstance(estimate, str))
    if found.deciding is None:
        return _missing(missing, len(found.estimates))
    comparison, estimate = claim.comparisons[found.deciding], found.estimates[found.deciding]
    name = _named(comparison, titles)
    if found.verdict == OWN_TABLES:
        table = titles.get(comparison.terms[0][0].table, comparison.terms[0][0].table)
        said = _bounds(comparison.said_low, comparison.said_high, figure=comparison.figure)
        return (
            f"{table} gives {_points(printed_sum(comparison), figure=comparison.figure)} for {name}; {said}."
        )
    assert isinstance(estimate, Estimate)
    low, high = (_points(end, figure=comparison.figure) for end in estimate.interval())
    value = _points(estimate.value, figure=comparison.figure)
    bounds = _bounds(comparison.low, comparison.high, figure=comparison.figure)
    first = "The closest call: " if found.verdict == SUPPORTED and len(claim.comparisons) > 1 else ""
    text = f"{first}{name}: {value} points (95 % interval {low} to {high}); {bounds}."
    if found.verdict == CANNOT_TELL:
        text += f" {_wanted(found, missing)}"
    return text


_PLAIN = {
    MISSING: ("are not in this configuration", "Its cells are not in this configuration."),
    "stand-in": (
        "rest on stand-ins",
        "It rests on stand-ins: other data, weights or settings than the thesis's.",
    ),
    "not run": ("rest on methods that were not run", "It rests on methods that were not run."),
    "no lesion mask": ("rest on images without masks", "It rests on images without a lesion mask."),
    ONE_SEED: ("rest on one support draw", "It rests on one support draw, which shows no spread."),
    NO_POOL: (
        "have supports that nearly are the pool",
        "Its support sets nearly are the pool, and nothing tells how far those of another pool would lie.",
    ),
}
"""Why comparisons have no estimate: of some of several, and of all."""


def _missing(missing: Mapping[str, int], total: int) -> str:
    if len(missing) == 1 and sum(missing.values()) == total:
        return _PLAIN[next(iter(missing))][1]
    said = " and ".join(f"{count} {_PLAIN[why][0]}" for why, count in missing.items())
    return f"Of {total} comparisons {said}."


def _wanted(found: Judged, missing: Mapping[str, int]) -> str:
    if missing:
        return _missing(missing, len(found.estimates))
    seeds = next(each.seeds for each in found.estimates if isinstance(each, Estimate))
    if found.draws is None:
        needed = f"More support draws than these {seeds} would not tell: it takes more images."
    elif found.draws <= seeds:
        needed = f"These {seeds} support draws would do in four of five tries."
    else:
        needed = f"About {found.draws:,} support draws would tell; there are {seeds}."
    return f"{_alone(found)}{needed}"


def _alone(found: Judged) -> str:
    """A word where the interval looks as if it told: it does for one claim, not among many."""
    assert found.deciding is not None
    comparison, estimate = found.claim.comparisons[found.deciding], found.estimates[found.deciding]
    assert isinstance(estimate, Estimate)
    low, high = estimate.interval()
    inside = low > comparison.low and high < comparison.high
    outside = high < comparison.low or low > comparison.high
    return (
        "By itself that would tell; among so many comparisons it may be chance. " if inside or outside else ""
    )


def _points(value: float, *, figure: bool) -> str:
    return f"{100 * value:.1f}" if figure else f"{100 * value:+.1f}"


def _bounds(low: float, high: float, *, figure: bool) -> str:
    """What is claimed, in points; both ends of what is printed to one decimal are that number."""
    if not math.isinf(low) and not math.isinf(high):
        if high - low < 0.0011:
            return f"claimed is {_points((low + high) / 2, figure=figure)}"
        return f"claimed is {_bound(low)} to {_bound(high)}"
    return (
        f"claimed is more than {_bound(low)}" if math.isinf(high) else f"claimed is less than {_bound(high)}"
    )


def _bound(value: float) -> str:
    return f"{100 * value:.1f}".removesuffix(".0")


def _named(comparison: Comparison, titles: Mapping[str, str]) -> str:
    """A comparison in words: what is the same in all its cells stands once."""
    cells = [cell for cell, _ in comparison.terms]
    same = {name: len({getattr(cell, name) for cell in cells}) == 1 for name in ("dataset", "method", "k")}
    averaged = not same["dataset"]
    terms = list(comparison.terms)
    if averaged:
        terms = [
            (cell, math.copysign(1, weight)) for cell, weight in terms if cell.dataset == cells[0].dataset
        ]
    if comparison.steps is not None:
        mine, other = (titles.get(name, name).removeprefix("+ ") for name in comparison.steps)
        return f"the step to {mine} − the step to {other}, {_place(cells[0], titles)}"
    named = [_term(cell, weight, titles, with_k=not same["k"]) for cell, weight in terms]
    text = " ".join(named).removeprefix("+ ")
    if averaged:
        return f"{text}, average over data sets, k = {cells[0].k}"
    return f"{text}, {_place(cells[0], titles, with_k=same['k'])}"


def _place(cell: Cell, titles: Mapping[str, str], *, with_k: bool = True) -> str:
    return titles.get(cell.dataset, cell.dataset) + (f", k = {cell.k}" if with_k else "")


def _term(cell: Cell, weight: float, titles: Mapping[str, str], *, with_k: bool) -> str:
    name = titles.get(cell.method, cell.method).removeprefix("+ ") + (f" (k = {cell.k})" if with_k else "")
    times = "" if abs(weight) == 1 else f"{abs(weight):g} × "
    return f"{'-' if weight < 0 else '+'} {times}{name}".replace("- ", "− ")


def count_text(lines: Sequence[Mapping[str, Any]]) -> str:
    """How many claims have each verdict, in one sentence."""
    counts = Counter(line["verdict"] for line in lines)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    return f"Of the thesis's {len(lines)} claims: {said}."

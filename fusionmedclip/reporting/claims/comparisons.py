"""What a claim consists of: sums of cells, and the bounds that each must keep."""

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise, product
from typing import Any, NamedTuple

from fusionmedclip.errors import InputError

__all__ = ["Cell", "Comparison", "compared"]

_PRINTED = 0.0005
"""Half of the last digit of what is printed to 0.1 percent."""

Test = Mapping[str, Any]


class Cell(NamedTuple):
    """Address of a cell, as ``fusionmedclip trace`` takes it."""

    table: str
    dataset: str
    method: str
    k: int


class Comparison(NamedTuple):
    """A weighted sum of cells' means, 0-1, and the bounds that a claim sets it; infinite where there is none.

    Attributes
    ----------
    terms : tuple of (Cell, float)
    low, high : float
        What our runs are held against.
    said_low, said_high : float
        What the thesis's own tables are held against: an amount is there to the last digit, without our
        tolerance.
    figure : bool
        Whether it is a printed mean, which a replication's differs from by chance on both sides.
    steps : tuple of (str, str), optional
        Of two steps that are compared, the methods that they lead to.
    """

    terms: tuple[tuple[Cell, float], ...]
    low: float
    high: float
    said_low: float
    said_high: float
    figure: bool = False
    steps: tuple[str, str] | None = None


def compared(name: str, test: Test) -> tuple[Comparison, ...]:
    """Comparisons of one claim.

    Parameters
    ----------
    name : str
        Of the claim, for errors.
    test : mapping
        As in ``claims.yaml``.

    Raises
    ------
    InputError
        Where a test has no bound, or an amount is missing.
    """
    if test["kind"] == "none":
        return ()
    found = [_bounded(name, test, terms) for terms in _KINDS[test["kind"]](test)]
    if test["kind"] == "largest_step":
        others = [after for after in test["methods"][1:] if after != test["method"]]
        pairs = [(test["method"], other) for _, other in product(_places(test), others)]
        found = [each._replace(steps=pair) for each, pair in zip(found, pairs, strict=True)]
    return tuple(found)


Terms = tuple[tuple[Cell, float], ...]


def _places(test: Test) -> Iterator[tuple[str, int]]:
    return product(test["datasets"], test["shots"])


def _beats(test: Test) -> Iterator[Terms]:
    for (dataset, k), other in product(_places(test), test["over"]):
        yield _minus(test, dataset, (test["method"], k), (other, k))


def _steps(test: Test) -> Iterator[Terms]:
    for (dataset, k), (before, after) in product(_places(test), pairwise(test["methods"])):
        yield _minus(test, dataset, (after, k), (before, k))


def _largest_step(test: Test) -> Iterator[Terms]:
    pairs = list(pairwise(test["methods"]))
    for (dataset, k), (before, after) in product(_places(test), pairs):
        if after == test["method"]:
            continue
        mine = next(pair for pair in pairs if pair[1] == test["method"])
        step = _minus(test, dataset, (mine[1], k), (mine[0], k))
        other = _minus(test, dataset, (before, k), (after, k))
        yield _together(step + other)


def _across_k(test: Test) -> Iterator[Terms]:
    for (dataset, k), fewer in product(_places(test), test["over_shots"]):
        yield _minus(test, dataset, (test["method"], k), (test["method"], fewer))


def _average(test: Test) -> Iterator[Terms]:
    places = list(_places(test))
    gains = [
        _minus(test, dataset, (test["method"], k), (other, k))
        for (dataset, k), other in product(places, test["over"])
    ]
    yield tuple((cell, weight / len(gains)) for gain in gains for cell, weight in gain)


def _figure(test: Test) -> Iterator[Terms]:
    for dataset, k in _places(test):
        yield ((Cell(test["table"], dataset, test["method"], k), 1.0),)


_KINDS: Mapping[str, Callable[[Test], Iterator[Terms]]] = {
    "beats": _beats,
    "steps": _steps,
    "largest_step": _largest_step,
    "across_k": _across_k,
    "average": _average,
    "figure": _figure,
}


def _minus(test: Test, dataset: str, first: tuple[str, int], second: tuple[str, int]) -> Terms:
    return ((Cell(test["table"], dataset, *first), 1.0), (Cell(test["table"], dataset, *second), -1.0))


def _together(terms: Terms) -> Terms:
    """Each cell once, its weights added; two steps that meet share a cell."""
    total: dict[Cell, float] = {}
    for cell, weight in terms:
        total[cell] = total.get(cell, 0.0) + weight
    return tuple((cell, weight) for cell, weight in total.items() if weight)


def _bounded(name: str, test: Test, terms: Terms) -> Comparison:
    if "amount" in test or "amounts" in test:
        dataset = terms[0][0].dataset
        amount = test.get("amount", test.get("amounts", {}).get(dataset))
        if amount is None:
            raise InputError(f"{name}: no amount for {dataset}", received=test["amounts"])
        middle, reach = amount / 100, test["within"] / 100
        said = (middle - _PRINTED, middle + _PRINTED)
        return Comparison(terms, middle - reach, middle + reach, *said, figure=test["kind"] == "figure")
    low = test.get("more_than", -math.inf) / 100
    high = test.get("less_than", math.inf) / 100
    if not low < high or (math.isinf(low) and math.isinf(high)):
        raise InputError(
            f"{name}: the test has no bound that can be kept and broken",
            received={key: test[key] for key in ("more_than", "less_than") if key in test},
            allowed="more_than, less_than or both, the first the smaller; or amounts, within",
        )
    return Comparison(terms, low, high, low, high)

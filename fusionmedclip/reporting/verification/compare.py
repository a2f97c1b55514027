"""Whether what was computed again is what was written: exactly, but for the last digits of a float."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["csv_difference", "difference"]

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""Sums depend in their last digits on the processor; digests hold what was written to the last byte."""


def difference(written: Any, again: Any, where: str = "") -> str:
    """The first difference between two JSON-able values, in words; empty where there is none."""
    if isinstance(written, Mapping) and isinstance(again, Mapping):
        keys = [*written, *(key for key in again if key not in written)]
        absent = object()
        pairs = ((key, written.get(key, absent), again.get(key, absent)) for key in keys)
        for key, ours, theirs in pairs:
            place = f"{where}.{key}" if where else str(key)
            if ours is absent or theirs is absent:
                return f"{place} is {'missing' if ours is absent else 'one too many'}"
            if found := difference(ours, theirs, place):
                return found
        return ""
    if _listed(written) and _listed(again) and len(written) == len(again):
        differences = (
            difference(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(written, again, strict=True))
        )
        return next(filter(None, differences), "")
    return "" if _same(written, again) else f"{where}: {written} is written, {again} is computed"


def csv_difference(written: str, again: str) -> str:
    """The first difference between two CSV texts, in words; empty where there is none."""
    if written == again:
        return ""
    ours, theirs = (list(csv.reader(io.StringIO(text))) for text in (written, again))
    if len(ours) != len(theirs) or ours[:1] != theirs[:1]:
        return f"{len(ours)} lines with columns {','.join(ours[0]) if ours else 'none'} are written, " + (
            f"{len(theirs)} with {','.join(theirs[0]) if theirs else 'none'} are computed"
        )
    for number, (line, other) in enumerate(zip(ours, theirs, strict=True), start=1):
        if not len(line) == len(other) == len(ours[0]):
            return f"line {number} has {len(line)} cells, {len(other)} are computed"
        for name, a, b in zip(ours[0], line, other, strict=True):
            if found := difference(_number(a), _number(b), f"line {number}, {name}"):
                return found
    return ""


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
        return numbers and (math.isclose(a, b, rel_tol=RELATIVE, abs_tol=ABSOLUTE) or (a != a and b != b))
    return type(a) is type(b) and a == b

"""Distances between the slices of a series, and whether one is missing between them."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from fusionmedclip.errors import InputError

__all__ = ["check_gaps", "gap_notes", "number_notes"]

_SLACK = 0.02  # share of a distance by which one may miss a whole number of others
_ASIDE = 0.01  # share of the distance of slices by which one may lie beside the line of the others


def check_gaps(folder: Path, gaps: np.ndarray, numbers: Sequence[Any]) -> None:
    """Refuse slices at one position, and a hole of whole slices between others at one distance.

    Scans of two distances have several wide gaps in a row, and no hole, unless instance numbers, too, leave
    out as many as the gap has room for.

    Parameters
    ----------
    folder : Path
        What messages call the series.
    gaps : (n - 1,) float array
        Distances of neighbours, mm, in order.
    numbers : sequence of int or None
        Instance numbers of the n slices, in the same order.

    Raises
    ------
    InputError
    """
    if gaps.min() < 1e-3:
        hint = "phases or echoes of one series need a folder each"
        raise InputError(f"{folder}: several slices at one position", hint=hint)
    usual, missing = _left_out(gaps, numbers) or _hole(gaps)
    if missing:
        received = f"{len(gaps) + 1} slices {usual:g} mm apart, {missing} missing between them"
        hint = "copy or export the series again; a data set's entry in the configuration reads single "
        hint += "pictures without `series`"
        raise InputError(f"{folder}: slices are missing", received=received, hint=hint)


def gap_notes(gaps: np.ndarray, positions: np.ndarray) -> tuple[str, ...]:
    """What is odd about the places of slices: unequal distances, or a slice beside the line of the others.

    Parameters
    ----------
    gaps : (n - 1,) float array
        Distances of neighbours along the normal, mm, in order.
    positions : (n, 3) float array
        Of the first pixel of each slice, mm; a gantry's tilt puts them on a line that is not the normal.
    """
    notes = []
    low, high = float(gaps.min()), float(gaps.max())
    if high - low > _SLACK * high:
        notes.append(f"slices lie {low:g} to {high:g} mm apart: is one missing?")
    along = np.append(0.0, np.cumsum(gaps)) / gaps.sum()
    line = positions[0] + along[:, None] * (positions[-1] - positions[0])
    aside = float(np.linalg.norm(positions - line, axis=1).max())
    if aside > _ASIDE * float(np.median(gaps)):
        notes.append(f"slices lie up to {aside:.3g} mm beside the line from the first to the last")
    return tuple(notes)


def number_notes(numbers: Sequence[int | None]) -> tuple[str, ...]:
    """Whether instance numbers leave out as many between any two slices: no distance can tell it then."""
    known = [number for number in numbers if number is not None]
    steps = {abs(second - first) for first, second in pairwise(known)}
    if len(known) < len(numbers) or len(steps) != 1 or min(steps) < 2 or len(set(known)) < len(known):
        return ()
    return (f"instance numbers go up by {min(steps)} from slice to slice: are those between missing?",)


def _left_out(gaps: np.ndarray, numbers: Sequence[Any]) -> tuple[float, int] | None:
    """Usual distance and count of missing slices, where places and instance numbers agree on both."""
    if any(number in (None, "") for number in numbers):
        return None
    steps = np.diff([int(number) for number in numbers])
    steps = steps if steps.sum() > 0 else -steps
    if steps.min() < 1 or not (steps == 1).any():
        return None
    usual = float(np.median(gaps[steps == 1]))
    agree = np.allclose(gaps, steps * usual, rtol=_SLACK)
    return (usual, int((steps - 1).sum())) if agree and steps.max() > 1 else None


def _hole(gaps: np.ndarray) -> tuple[float, int]:
    """The same by places alone: each wide gap stands alone, and whole slices fit in."""
    usual = float(np.median(gaps))
    steps = gaps / usual
    wide = steps > 1.5
    alone = wide & ~np.append(wide[1:], False) & ~np.insert(wide[:-1], 0, False)
    whole = np.abs(steps - np.rint(steps)) < _SLACK
    found = len(gaps) >= 3 and wide.any() and whole.all() and (wide == alone).all()
    return usual, int(np.rint(steps[wide] - 1).sum()) if found else 0

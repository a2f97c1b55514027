"""Slices of one series as what they are to be scored as: volumes, copies of slices, or pictures each."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fusionmedclip.data.reading.dicom.consistency import PIXEL_KEYS
from fusionmedclip.data.reading.dicom.gaps import number_notes
from fusionmedclip.data.reading.dicom.header import PHASES, read_header
from fusionmedclip.data.reading.dicom.slice_place import SlicePlace, along, same_direction
from fusionmedclip.errors import InputError

__all__ = ["Member", "Stack", "alike", "volumes_of", "without_copies"]

_DIGITS = 3  # of a place in mm, after the point


class Member(NamedTuple):
    """A file that was found.

    Attributes
    ----------
    file : Path
    base : Path
        What its name is relative to.
    kind : str
    slice : SlicePlace or None
        Of which series it is a slice, if it is one.
    """

    file: Path
    base: Path
    kind: str
    slice: SlicePlace | None


class Stack(NamedTuple):
    """Files that make a volume, and what has to be said of it."""

    members: list[Member]
    notes: tuple[str, ...] = ()


def alike(members: Sequence[Member]) -> list[list[Member]]:
    """Slices of one series, or a file by itself, by size and orientation; places along one normal of each."""
    parts: list[list[Member]] = []
    for one in members:
        for part in parts:
            first = part[0].slice
            if first and one.slice and _lies_as(first, one.slice):
                at = along(first.direction, one.slice.position)
                part.append(one._replace(slice=one.slice._replace(at=at)))
                break
        else:
            parts.append([one])
    return parts


def _lies_as(first: SlicePlace, other: SlicePlace) -> bool:
    return first.shape == other.shape and same_direction(first.direction, other.direction)


def without_copies(members: Sequence[Member]) -> tuple[list[Member], dict[Path, Path]]:
    """Slices of a series, and of what the others are copies: the same pixels at the same place, in one phase.

    Numbers of instances are not asked: copies made by some programs have new ones.
    """
    copies: dict[Path, Path] = {}
    for there in _by_place(members).values():
        firsts: dict[tuple, Path] = {}
        named = sorted(there, key=lambda one: (len(one.file.name), one.file.name))  # "1.dcm", "1 copy.dcm"
        for one in named if len(there) > 1 else ():
            phase = one.slice.phase if one.slice else ()  # in two of them blank slices are alike
            first = firsts.setdefault((phase, _pixels(one.file)), one.file)
            if first is not one.file:
                copies[one.file] = first
    return [one for one in members if one.file not in copies], copies


def volumes_of(members: Sequence[Member]) -> list[Stack]:
    """One volume, or several at the same places that differ in one attribute; none where neither is so.

    Phases, echoes and directions of one series lie at the same places. What tells them apart is one of
    :data:`fusionmedclip.data.reading.dicom.header.PHASES`.
    """
    if len(members) < 2:
        return []
    if _apart(members):
        placed = sorted((one.slice for one in members if one.slice), key=lambda place: place.at)
        return [Stack(list(members), number_notes([place.number for place in placed]))]
    for number, name in enumerate(PHASES):
        phases: dict[str, list[Member]] = defaultdict(list)
        for one in members:
            phases[one.slice.phase[number] if one.slice else ""].append(one)
        stacks = list(phases.values())
        if len({len(stack) for stack in stacks}) == 1 and len(stacks[0]) > 1 and all(map(_apart, stacks)):
            note = f"one of {len(stacks)} volumes of its series, told apart by {name}"
            return [Stack(stack, (note,)) for stack in stacks]
    return []


def _apart(members: Sequence[Member]) -> bool:
    return len(_by_place(members)) == len(members)


def _by_place(members: Sequence[Member]) -> dict[float, list[Member]]:
    places: dict[float, list[Member]] = defaultdict(list)
    for one in members:
        places[round(one.slice.at if one.slice else 0.0, _DIGITS)].append(one)
    return places


def _pixels(file: Path) -> bytes:
    """Stored pixels; of a file that cannot be read its name, so that it is a copy of none."""
    try:
        header = read_header(file)
    except InputError:
        return str(file).encode()
    return b"".join(bytes(header[key].value or b"") for key in PIXEL_KEYS if key in header)

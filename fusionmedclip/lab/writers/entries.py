"""One input of a prediction as its pictures show it: what the page and the review read again from disk."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fusionmedclip.documents import read_json
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading
from fusionmedclip.outputs import whole_file

__all__ = ["LAYERS", "Entry", "SliceEntry", "read_entries", "write_entry"]

LAYERS = "layers"
"""Folder of the records, and of what pages draw with."""

_RECORDS = f"{LAYERS}/records"


@dataclass(frozen=True, kw_only=True)
class SliceEntry:
    """One slice.

    Attributes
    ----------
    name : str
        Empty for a plain image.
    score : float
    flag : bool or None
        Whether the slice reaches the threshold of slices and pictures.
    marked : bool
        Whether any pixel is above the scale's threshold.
    overlay, picture, map : str
        Files, as seen from the prediction's folder; an empty ``map`` where the method has none.
    """

    name: str
    score: float
    flag: bool | None = None
    marked: bool
    overlay: str
    picture: str
    map: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One input.

    Attributes
    ----------
    name, file : str
        Its name within the prediction, and the name of its file or folder.
    score : float
    percentile : float or None
    flag : bool or None
    width, height : int
        Pixels of a slice.
    thumbnail : str
        Picture of its worst slice.
    scale : dict
        Of its maps: ``low``, ``high``, ``threshold``, ``rests_on``.
    slices : tuple of SliceEntry
    notes : tuple of str
        What has to be known of it beside its score.
    """

    name: str
    file: str
    score: float
    percentile: float | None
    flag: bool | None
    width: int
    height: int
    thumbnail: str
    scale: dict[str, Any]
    slices: tuple[SliceEntry, ...]
    notes: tuple[str, ...] = ()

    @property
    def flagged_slices(self) -> int:
        """Slices that are flagged; 0 of a plain image."""
        return sum(part.flag is True for part in self.slices) if len(self.slices) > 1 else 0

    @property
    def stands_out(self) -> bool:
        """Whether it is flagged or, where there is no flag of its own, one of its slices is."""
        return self.flag is True or (self.flag is None and self.flagged_slices > 0)

    @property
    def files(self) -> list[str]:
        """All pictures that it names."""
        named = [name for part in self.slices for name in (part.overlay, part.picture, part.map)]
        return [self.thumbnail, *filter(None, named)]

    @property
    def worst(self) -> int:
        """Which slice scores highest."""
        return max(range(len(self.slices)), key=lambda index: self.slices[index].score)


def write_entry(folder: Path, entry: Entry) -> str:
    """Write the record of one input, and name its file; it names pictures that are there already."""
    file = f"{_RECORDS}/{entry.name}.json"
    with whole_file(folder / file) as temporary:
        temporary.write_text(json.dumps(asdict(entry), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return file


def read_entries(folder: Path) -> list[Entry]:
    """All inputs of a prediction, the highest score first.

    Raises
    ------
    InputError
        If the folder holds none, a broken one, or one that names a file outside of the folder.
    """
    found = sorted(_read(folder), key=lambda entry: (-entry.score, entry.name))
    if not found:
        hint = "fusionmedclip predict MODEL INPUTS --out DIR writes one"
        raise InputError(f"{folder}: no pictures of a prediction in this folder", hint=hint)
    return found


def _read(folder: Path) -> Iterator[Entry]:
    for path in sorted((folder / _RECORDS).glob("*.json")):
        with reading(path, "record of a prediction", hint="predict again"):
            data = read_json(path)
            parts = tuple(SliceEntry(**part) for part in data["slices"])
            entry = Entry(**{**data, "slices": parts, "notes": tuple(data.get("notes", ()))})
            for name in entry.files:
                _check_inside(folder, name)
            if not entry.slices:
                raise InputError("names no slice")
        yield entry


def _check_inside(folder: Path, name: str) -> None:
    if Path(name).is_absolute() or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise InputError("names a file outside of the prediction", received=name)

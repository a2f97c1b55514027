"""What a prediction has done so far: a line a group, from which it goes on and which parts are joined by."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fusionmedclip.errors import InputError
from fusionmedclip.outputs import whole_file
from fusionmedclip.provenance import digest
from fusionmedclip.turns import hold

__all__ = [
    "PARTS",
    "Journal",
    "Part",
    "check_alone",
    "files_lost",
    "joined",
    "journals_in",
    "keys_in",
    "parts_left",
]

PARTS = "parts"
"""Folder of the journals, in that of the prediction."""


@dataclass(frozen=True)
class Part:
    """Part ``number`` of ``count``, counted from 1: every ``count``-th group of inputs."""

    number: int = 1
    count: int = 1

    @classmethod
    def from_text(cls, text: str | None) -> Self:
        """``"2/3"``; None: all.

        Raises
        ------
        InputError
            Where it is none.
        """
        if text is None:
            return cls()
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise InputError("no part", received=text, allowed="i/n with 1 <= i <= n, such as 2/3")
        return cls(int(number), int(count))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def groups(self, count: int) -> range:
        """Numbers of its groups, of ``count`` in all."""
        return range(self.number - 1, count, self.count)

    def file(self, folder: Path) -> Path:
        """Its journal."""
        return folder / PARTS / f"{self.number}-of-{self.count}.jsonl"


class Journal:
    """The journal of one part, held against other processes until it is closed or its process ends.

    Parameters
    ----------
    folder : Path
        Of the prediction.
    part : Part
    key : str
        Digest of all that decides the results; a line of another key is another prediction's.
    resume : bool
        Go on with what is there; otherwise it is begun anew.

    Raises
    ------
    InputError
        If there is something to resume, of another model, of other settings or inputs.
    """

    def __init__(self, folder: Path, part: Part, key: str, *, resume: bool):
        self.folder, self.path, self.key = folder, part.file(folder), key
        lines = list(_lines(self.path)) if resume else []
        mine = [line for line in lines if line["key"] == key]
        if lines and not mine:
            raise InputError(
                f"{self.path}: of another prediction than this one",
                hint="model, settings, inputs, batch size, --scores-only, this program and its packages' "
                "versions must be as they were; or leave out --resume",
            )
        # What was skipped is tried again: its rights, or the memory that it needs, may be there now. What was
        # drawn and is gone is drawn again.
        self.done: dict[int, Mapping[str, Any]] = {
            group: line
            for group, line in _by_group(mine).items()
            if not line["skipped"] and not files_lost(folder, [line])
        }
        texts = [json.dumps(line) for line in [{"key": key}, *self.done.values()]]
        with whole_file(self.path) as begun:  # without a torn end; what is there stays until it is whole
            begun.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        self._held = self.path.open("a", encoding="utf-8")
        hold(self._held.fileno(), wait=False)

    def add(
        self,
        group: int,
        inputs: Sequence[Mapping],
        skipped: Sequence[Sequence[str]],
        files: Sequence[str] = (),
    ) -> None:
        """A group is done, and all of its files are written, named as seen from the prediction's folder.

        Their sizes are noted: a machine that loses its power leaves files that are there, and empty.

        Raises
        ------
        InputError
            If the journal is no longer where it was: its folder was removed, renamed or put aside.
        """
        self.check_place()
        sizes = {name: (self.folder / name).stat().st_size for name in files}
        told = {"inputs": list(inputs), "skipped": list(skipped), "files": sizes}
        line: dict[str, Any] = {"key": self.key, "group": group, **told}
        line["digest"] = digest(line)
        self._held.write(json.dumps(line) + "\n")
        self._held.flush()
        self.done[group] = line

    def check_place(self) -> None:
        """Refuse to go on where the folder is another one by now."""
        try:
            same = os.path.samestat(os.fstat(self._held.fileno()), self.path.stat())
        except FileNotFoundError:
            same = False
        if not same:
            raise InputError(
                f"{self.path}: removed or renamed while the prediction was written, which is not whole",
                hint="let its folder be until it is done; start the same command again into a new one",
            )

    def close(self) -> None:
        """Let others write here."""
        self._held.close()


def check_alone(folder: Path, part: Part, key: str) -> bool:
    """Refuse a folder in which another prediction is being written, or this part of this one.

    Returns
    -------
    bool
        Whether nobody writes there; else other parts of this prediction are being written.

    Raises
    ------
    InputError
    """
    living = [path for path in journals_in(folder) if _is_held(path)]
    for path in living:
        same = {line["key"] for line in _lines(path)} == {key}
        if not same or path == part.file(folder):
            raise InputError(
                f"{folder}: {'the same' if same else 'another'} prediction is being written there",
                received=f"a process that lives and holds {path}",
                hint="wait until it has ended, or give another folder: --out",
            )
    return not living


def _is_held(path: Path) -> bool:
    handle = os.open(path, os.O_RDONLY)  # that of another user may not be written
    try:
        return not hold(handle, wait=False)
    finally:
        os.close(handle)


def joined(folder: Path, part: Part, key: str, count: int) -> list[Mapping[str, Any]] | None:
    """What all parts did, in the order of the groups; None while some of ``count`` groups are not done."""
    paths = [Part(number, part.count).file(folder) for number in range(1, part.count + 1)]
    found = _by_group(line for path in paths for line in _lines(path) if line["key"] == key)
    return [found[group] for group in range(count)] if found.keys() >= set(range(count)) else None


def parts_left(folder: Path, part: Part, key: str, count: int) -> list[str]:
    """Parts of which some of ``count`` groups are not done, as ``3/4``."""
    left = []
    for number in range(1, part.count + 1):
        one = Part(number, part.count)
        done = _by_group(line for line in _lines(one.file(folder)) if line["key"] == key)
        if not done.keys() >= set(one.groups(count)):
            left.append(str(one))
    return left


def files_lost(folder: Path, lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """Files that were written beside the scores and are there no more as they were: of another size."""

    def size(name: str) -> int | None:
        path = folder / name
        return path.stat().st_size if path.is_file() else None

    return [name for line in lines for name, before in line["files"].items() if size(name) != before]


def journals_in(folder: Path) -> list[Path]:
    """Journals of all parts; OSError where the folder of them may not be read."""
    parts = folder / PARTS
    return sorted(path for path in parts.iterdir() if path.match("*-of-*.jsonl")) if parts.is_dir() else []


def keys_in(folder: Path) -> set[str]:
    """Keys of all predictions that have a line in a folder's journals; OSError where one may not be read."""
    return {line["key"] for path in journals_in(folder) for line in _lines(path)}


def _by_group(lines: Iterable[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """The line that counts of each group: one in which nothing was skipped, wherever it stands."""
    ordered = sorted((line for line in lines if "group" in line), key=lambda line: not line["skipped"])
    return {line["group"]: line for line in ordered}


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Lines of a journal: each names the prediction that it is of, the first nothing else.

    One that was torn by a crash, or altered, or is none of ours, is not there.
    """
    if not path.is_file():
        return
    for text in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        with suppress(ValueError, RecursionError):
            if _is_line(line := json.loads(text)):
                yield line


def _is_line(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("key"), str):
        return False
    written = {name: item for name, item in value.items() if name != "digest"}
    return "group" not in value or value.get("digest") == digest(written)

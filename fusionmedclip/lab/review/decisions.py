"""What a reviewer said, saved at each click."""

import csv
import io
import math
import os
import threading
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from fusionmedclip.csv_text import csv_text
from fusionmedclip.documents import read_text
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded
from fusionmedclip.lab.writers.entries import Entry
from fusionmedclip.outputs import check_writable, no_formula, whole_file
from fusionmedclip.turns import hold

__all__ = ["DECISIONS", "REVIEW", "Decision", "Decisions"]

REVIEW = "review.csv"
_LOCK = ".review.lock"
DECISIONS = ("accept", "reject")
"""The finding is accepted: there is something; or rejected: there is nothing."""


@dataclass(frozen=True)
class Decision:
    """A line of the CSV.

    Attributes
    ----------
    name, file : str
        As in the prediction.
    decision : {"accept", "reject"}
    score, flag : str
        What the model had said.
    threshold : str
        Of the map, as the reviewer had set it.
    decided_at : str
        UTC, ISO 8601.
    """

    name: str
    file: str
    decision: str
    score: str
    flag: str
    threshold: str
    decided_at: str


_COLUMNS = tuple(field.name for field in fields(Decision))


class _Click(NamedTuple):
    name: str
    before: Decision | None
    who: str


class Decisions:
    """One decision an input, in ``review.csv``.

    It is rewritten whole and synced before a click is answered. What another program has written into it
    since is read first. Lines of inputs that the prediction does not know are kept, and so are those about
    another score than an input now has: they count as no decision until it gets one.

    Parameters
    ----------
    folder : Path
        Of a prediction.
    entries : sequence of Entry
        Its inputs.

    Raises
    ------
    InputError
        If the file holds anything else, so that nothing of it could be kept, cannot be written, or another
        review has it.
    """

    def __init__(self, folder: Path, entries: Sequence[Entry] = ()):
        self.path = folder / REVIEW
        check_writable(folder)
        self._held = _hold(folder / _LOCK)
        for torn in folder.glob(f".{REVIEW}.*"):  # of a review that was killed while it wrote
            torn.unlink()
        self._scores = {entry.name: entry.score for entry in entries}
        self._lock = threading.Lock()
        self._rows: dict[str, Decision] = {}
        self._clicks: list[_Click] = []
        self._seen: tuple[int, ...] | None = None
        self._read_again()

    def close(self) -> None:
        """Let another review begin."""
        self._held.close()

    def current(self) -> dict[str, str]:
        """Decision of each input that has one."""
        with self._lock:
            return {name: row.decision for name, row in self._rows.items() if self._is_about(row)}

    def outdated(self) -> int:
        """Decisions about another score than their input now has."""
        with self._lock:
            return sum(not self._is_about(row) for row in self._rows.values())

    def decide(
        self,
        entry: Entry,
        decision: str,
        *,
        threshold: float | None = None,
        seen: str | None = None,
        who: str = "",
    ) -> None:
        """Save what was said of an input, in place of what was said before.

        Parameters
        ----------
        entry : Entry
        decision : {"accept", "reject"}
        threshold : float, optional
            Of the map, as it was set.
        seen : str, optional
            The decision that stood there for whoever clicked, empty for none; None: whatever it is.
        who : str
            Whose click it is, of several windows.

        Raises
        ------
        InputError
            If the decision is none, another one stands there than was seen, or it cannot be written: nothing
            has changed then.
        """
        if decision not in DECISIONS:
            raise InputError("no such decision", received=decision, allowed=", ".join(DECISIONS))
        row = Decision(
            name=entry.name,
            file=no_formula(entry.file),
            decision=decision,
            score=repr(entry.score),
            flag="" if entry.flag is None else str(entry.flag).lower(),
            threshold="" if threshold is None else f"{threshold:.6g}",
            decided_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        with self._lock:
            self._read_again()
            before = self._rows.get(entry.name)
            stands = before.decision if before is not None and self._is_about(before) else ""
            if seen not in (None, stands):
                raise InputError(
                    f"{entry.file}: decided elsewhere since",
                    received=stands or "taken back",
                    hint="look again",
                )
            self._write({**self._rows, entry.name: row})
            self._clicks.append(_Click(entry.name, before, who))

    def undo(self, who: str = "") -> str | None:
        """Take the last click back; the name of its input, or None where there was no click.

        Clicks of other windows stay; an earlier review's are anybody's.

        Raises
        ------
        InputError
            If another window has decided on that input since.
        """
        with self._lock:
            self._read_again()
            mine = [n for n, click in enumerate(self._clicks) if click.who in ("", who)]
            if not mine:
                return None
            name, before, _ = self._clicks[mine[-1]]
            if any(later.name == name for later in self._clicks[mine[-1] + 1 :]):
                raise InputError(f"{name}: decided elsewhere since", hint="undo it there")
            rest = {key: row for key, row in self._rows.items() if key != name}
            self._write(rest if before is None else {**self._rows, name: before})
            del self._clicks[mine[-1]]
            return name

    def _is_about(self, row: Decision) -> bool:
        """Whether a row is about the score that its input has in this prediction; a spreadsheet rounds it."""
        if row.name not in self._scores:
            return True
        try:
            return math.isclose(float(row.score), self._scores[row.name], rel_tol=1e-6, abs_tol=1e-12)
        except ValueError:
            return False

    def _read_again(self) -> None:
        """Take what stands in the file, unless it was written here; one that is gone is not empty."""
        if not self.path.exists() or _stamp(self.path) == self._seen:
            return
        rows = _read_rows(self.path)
        self._rows, self._seen = {row.name: row for row in rows}, _stamp(self.path)
        # What an earlier review, or another program, said can be taken back as well.
        earlier = sorted(filter(self._is_about, rows), key=lambda row: row.decided_at)
        self._clicks = [_Click(row.name, None, "") for row in earlier]

    def _write(self, rows: dict[str, Decision]) -> None:
        """Put the rows on disk, then in memory: a click that could not be saved has not happened."""
        text = csv_text(_COLUMNS, map(astuple, rows.values()))
        with whole_file(self.path) as temporary, temporary.open("wb") as handle:
            handle.write(text.encode())
            handle.flush()
            os.fsync(handle.fileno())
        self._rows, self._seen = rows, _stamp(self.path)


def _stamp(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _hold(path: Path) -> IO[bytes]:
    """A lock that goes when the process does: two reviews would each write over the other's clicks."""
    held = path.open("ab")
    if not hold(held.fileno(), wait=False):
        held.close()
        hint = "end it first (Ctrl-C where it was started)"
        raise InputError(f"{path.parent}: another review of it is running", hint=hint)
    return held


@guarded("review", hint="move it away, and it is begun again")
def _read_rows(path: Path) -> list[Decision]:
    header, *lines = list(csv.reader(io.StringIO(read_text(path), newline=""), strict=True)) or [[]]
    if tuple(header) != _COLUMNS:
        raise InputError("not a review's columns", received=header, allowed=",".join(_COLUMNS))
    rows = [Decision(*cells) for cells in lines if len(cells) == len(_COLUMNS)]
    names = [row.name for row in rows]
    if len(rows) < len(lines) or len(set(names)) < len(names):
        raise InputError("lines that are cut off, or an input twice")
    if unknown := {row.decision for row in rows} - {*DECISIONS}:
        raise InputError("no such decision", received=sorted(unknown), allowed=", ".join(DECISIONS))
    return rows

"""What a reviewer said, saved at each click."""

import csv
import fcntl
import io
import os
import threading
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from fusionmedclip.documents import read_text
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded
from fusionmedclip.lab.writers.entries import Entry
from fusionmedclip.outputs import check_writable, whole_file

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


class Decisions:
    """One decision an input, in ``review.csv``.

    It is rewritten whole and synced before a click is answered. Lines of inputs that the prediction does not
    know are kept.

    Parameters
    ----------
    folder : Path
        Of a prediction.

    Raises
    ------
    InputError
        If the file holds anything else, so that nothing of it could be kept, cannot be written, or another
        review has it.
    """

    def __init__(self, folder: Path):
        self.path = folder / REVIEW
        check_writable(folder)
        self._held = _hold(folder / _LOCK)
        rows = _read_rows(self.path) if self.path.exists() else []
        self._rows = {row.name: row for row in rows}
        self._undone: list[tuple[str, Decision | None]] = []
        for row in sorted(rows, key=lambda row: row.decided_at):
            self._undone.append((row.name, None))  # what an earlier review said can be taken back as well
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let another review begin."""
        self._held.close()

    def current(self) -> dict[str, str]:
        """Decision of each input that has one."""
        with self._lock:
            return {name: row.decision for name, row in self._rows.items()}

    def decide(self, entry: Entry, decision: str, *, threshold: float | None = None) -> None:
        """Save what was said of an input, in place of what was said before.

        Raises
        ------
        InputError
            If the decision is none, or cannot be written: nothing has changed then.
        """
        if decision not in DECISIONS:
            raise InputError("no such decision", received=decision, allowed=", ".join(DECISIONS))
        row = Decision(
            name=entry.name,
            file=entry.file,
            decision=decision,
            score=repr(entry.score),
            flag="" if entry.flag is None else str(entry.flag).lower(),
            threshold="" if threshold is None else f"{threshold:.6g}",
            decided_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        with self._lock:
            before = self._rows.get(entry.name)
            self._write({**self._rows, entry.name: row})
            self._undone.append((entry.name, before))

    def undo(self) -> str | None:
        """Take the last click back; the name of its input, or None where there was no click."""
        with self._lock:
            if not self._undone:
                return None
            name, before = self._undone[-1]
            rest = {key: row for key, row in self._rows.items() if key != name}
            self._write(rest if before is None else {**self._rows, name: before})
            self._undone.pop()
            return name

    def _write(self, rows: dict[str, Decision]) -> None:
        """Put the rows on disk, then in memory: a click that could not be saved has not happened."""
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows.values())
        with whole_file(self.path) as temporary, temporary.open("wb") as handle:
            handle.write(text.getvalue().encode())
            handle.flush()
            os.fsync(handle.fileno())
        self._rows = rows


def _hold(path: Path) -> IO[bytes]:
    """A lock that goes when the process does: two reviews would each write over the other's clicks."""
    held = path.open("ab")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        hint = "end it first (Ctrl-C where it was started)"
        raise InputError(f"{path.parent}: another review of it is running", hint=hint) from error
    return held


@guarded("review", hint="move it away, and it is begun again")
def _read_rows(path: Path) -> list[Decision]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise InputError("not a review's columns", received=reader.fieldnames, allowed=",".join(_COLUMNS))
    rows = [Decision(**row) for row in reader if None not in row and None not in row.values()]
    names = [row.name for row in rows]
    if len(rows) != reader.line_num - 1 or len(set(names)) < len(names):
        raise InputError("lines that are cut off, or an input twice")
    if unknown := {row.decision for row in rows} - {*DECISIONS}:
        raise InputError("no such decision", received=sorted(unknown), allowed=", ".join(DECISIONS))
    return rows

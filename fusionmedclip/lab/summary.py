"""A prediction in a few lines: how much was flagged, what has to be known of the inputs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["counted", "flagged_slices", "flags_text", "number_of", "summary_lines"]


def number_of(count: int, thing: str) -> str:
    """``1 input``, ``2 inputs``."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def flagged_slices(row: Mapping[str, Any]) -> int:
    """Slices of an input that are flagged."""
    return sum(part["flag"] is True for part in row["slices"])


def counted(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Of rows of ``scores.json``: ``flagged`` inputs; ``flagged_by_slices``, which are volumes that have no
    threshold of their own, and slices above that of slices; ``noted``."""
    by_slices = [row for row in rows if row["flag"] is None and flagged_slices(row)]
    return {
        "flagged": sum(row["flag"] is True for row in rows),
        "flagged_by_slices": len(by_slices),
        "noted": sum(bool(row.get("notes")) for row in rows),
    }


def flags_text(flagged: int, by_slices: int) -> str:
    """``3 flagged, 1 with flagged slices``: a volume's own flag goes before those of its slices."""
    return f"{flagged} flagged" + (
        f", {number_of(by_slices, 'volume')} with flagged slices" if by_slices else ""
    )


def summary_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the screen says of rows, each note once."""
    found = counted(rows)
    if any(part["flag"] is not None for row in rows for part in (row, *row["slices"])):
        yield flags_text(found["flagged"], found["flagged_by_slices"])
    noted: dict[str, list[str]] = {}
    for row in rows:
        for note in row.get("notes", ()):
            noted.setdefault(note, []).append(row["file"])
    for note, files in noted.items():
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        yield f"note: {files[0]}{more}: {note}"

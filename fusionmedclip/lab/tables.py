"""The files of a prediction that hold its scores: ``scores.csv``, ``scores.json``, ``skipped.csv``."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fusionmedclip.csv_text import csv_text
from fusionmedclip.lab.inputs import Input
from fusionmedclip.lab.scored import ScoredInput
from fusionmedclip.outputs import SCORE_COLUMNS, no_formula, whole_file

__all__ = ["SKIPPED_COLUMNS", "row_of", "write_csv", "write_json", "write_scores"]

SKIPPED_COLUMNS = ("file", "reason")


def row_of(scored: ScoredInput, given: Input) -> dict[str, Any]:
    """An input as ``scores.json`` has it, without its pixels."""
    slices = zip(scored.slices, scored.scores, scored.standings, strict=False)  # none of a plain image
    return {
        "file": str(given.place),
        "name": scored.name,
        "files": [str(file) for file in scored.files],
        "kind": given.kind,
        "size": list(scored.pixels.shape[1:3]),
        "axis": scored.axis,
        "score": float(scored.score),
        "percentile": scored.percentile,
        "flag": scored.flag,
        "notes": list(scored.notes),
        "slices": [
            {"slice": name, "score": float(score), **standing._asdict()} for name, score, standing in slices
        ],
    }


def write_scores(path: Path, rows: Sequence[Mapping[str, Any]], *, model: str, rests_on: str) -> None:
    """Write the CSV: a line an input, after that of a volume one a slice.

    Parameters
    ----------
    path : Path
    rows : sequence of mapping
        See :func:`row_of`.
    model : str
        Digest of the model.
    rests_on : str
    """
    write_csv(path, SCORE_COLUMNS, _lines(rows, model, rests_on))


def _lines(rows: Sequence[Mapping[str, Any]], model: str, rests_on: str) -> Iterator[tuple]:
    for row in rows:
        for part in (row, *row["slices"]):
            standing = (_number(part["percentile"]), _said(part["flag"]))
            notes = "; ".join(part.get("notes", ()))
            file = no_formula(row["file"])
            yield (file, part.get("slice", ""), repr(part["score"]), *standing, model, rests_on, notes)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _said(flag: bool | None) -> str:
    return "" if flag is None else str(flag).lower()


def write_csv(path: Path, columns: Sequence[str], lines: Iterator[Sequence] | Sequence[Sequence]) -> None:
    """Write a CSV whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(csv_text(columns, lines), encoding="utf-8", newline="")


def write_json(path: Path, data: Any) -> None:
    """Write JSON whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")

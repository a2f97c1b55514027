"""Where the thesis contradicts what it prints in a cell of Tables 6 to 8, as data."""

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

__all__ = ["Contradiction", "contradictions", "flags_of"]


class Contradiction(NamedTuple):
    """One note and the cells that it speaks of; an empty field speaks of all.

    Attributes
    ----------
    table, dataset, method, k : str
    note : str
    """

    table: str
    dataset: str
    method: str
    k: str
    note: str


@cache
def contradictions() -> tuple[Contradiction, ...]:
    """Every note, in the order of the file."""
    with (files("fusionmedclip.reporting.thesis") / "data" / "contradictions.csv").open() as file:
        return tuple(Contradiction(**row) for row in csv.DictReader(file))


def flags_of(table: str, dataset: str, method: str, k: int) -> list[str]:
    """Notes on one cell; empty for a table that the thesis does not print."""
    cell = (table, dataset, method, str(k))
    return [
        entry.note
        for entry in contradictions()
        if all(said in ("", wanted) for said, wanted in zip(entry[:4], cell, strict=True))
    ]

"""The thesis's comparative claims as data, each taken apart into the comparisons that it consists of."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from fusionmedclip.documents import read_yaml
from fusionmedclip.errors import InputError
from fusionmedclip.reporting.claims.comparisons import Cell, Comparison, compared
from fusionmedclip.reporting.thesis.paper import printed

__all__ = ["CLAIMS", "METRICS", "Claim", "claimed_tables", "claims", "read_claims"]

CLAIMS = "claims"
"""Name of the table of claims."""

METRICS = {"table6": "image_auroc", "table7": "pixel_auroc", "table8": "image_auroc"}
"""Tables that claims rest on, and what they print."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim.

    Attributes
    ----------
    name, short, text, section, reading : str
        The last where the thesis's words leave a choice, otherwise empty.
    why : str
        Why nothing can be compared; else empty.
    comparisons : tuple of Comparison
        All of which hold if the claim does.
    """

    name: str
    short: str
    text: str
    section: str
    reading: str
    why: str
    comparisons: tuple[Comparison, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Cells that it rests on, each once."""
        return tuple(dict.fromkeys(cell for each in self.comparisons for cell, _ in each.terms))


@cache
def claims() -> tuple[Claim, ...]:
    """Every claim that comes with the package, in the order of the file."""
    with as_file(files("fusionmedclip.reporting.thesis") / "data" / "claims.yaml") as path:
        return read_claims(path)


def claimed_tables(tables: Mapping[str, Mapping]) -> list[str]:
    """Tables of a configuration that claims rest on, their metric the thesis's."""
    return [name for name, metric in METRICS.items() if tables.get(name, {}).get("metric") == metric]


def read_claims(path: Path) -> tuple[Claim, ...]:
    """Claims of a file.

    Raises
    ------
    InputError
        Where it does not follow ``claims.schema.yaml``, or names a cell that the thesis does not print.
    """
    data = read_yaml(path)
    _check(data)
    return tuple(_claim(name, entry) for name, entry in data.items())


def _check(data: Any) -> None:
    import jsonschema  # here, because it takes long to import and not every command needs it

    with as_file(files("fusionmedclip.reporting.thesis") / "data" / "claims.schema.yaml") as path:
        schema = read_yaml(path)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(data)
    error = min(errors, key=lambda e: [str(part) for part in e.absolute_path], default=None)
    if error is not None:
        where = ".".join(str(part) for part in error.absolute_path) or "claims"
        raise InputError(f"{where}: {error.message}", hint="see claims.schema.yaml")


def _claim(name: str, entry: Mapping[str, Any]) -> Claim:
    test = entry["test"]
    found = Claim(
        name=name,
        short=entry["short"],
        text=entry["text"],
        section=entry["section"],
        reading=entry.get("reading", ""),
        why=test.get("why", ""),
        comparisons=compared(name, test),
    )
    for cell in found.cells:
        if cell.table not in METRICS or printed(*cell, METRICS[cell.table]) is None:
            raise InputError(
                f"{name}: the thesis prints no such cell",
                received=tuple(cell),
                allowed="cells of Tables 6 to 8: table, data set, method, k",
            )
    return found

"""Tables of text as people write them: CSV from a script, a spreadsheet or an editor, read row by row."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fusionmedclip.documents import read_text
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded

__all__ = ["read_table"]

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_HINT = "save it as CSV in UTF-8: commas between cells, one header line"


@guarded("CSV table", hint=_HINT)
def read_table(
    path: Path,
    *,
    required: tuple[str, ...],
    known: tuple[str, ...] | None = None,
    skip_space: bool = False,
) -> pd.DataFrame:
    """Read a CSV as text.

    A byte order mark, line ends of every system, blank lines and empty columns without a name are no harm. A
    row with more cells than the header is refused, since its cells may have moved.

    Parameters
    ----------
    path : Path
    required : tuple of str
        Columns that must be there.
    known : tuple of str, optional
        Columns that may be there; None allows others.
    skip_space : bool
        Take spaces after a comma off.

    Returns
    -------
    DataFrame
        Of text, an empty or missing cell as ``""``. Its index is each row's line in the file.

    Raises
    ------
    InputError
        Naming the file, and the line where there is one.
    """
    path = Path(path)
    text = read_text(path)
    _check_separator(path, text, required)
    rows = _rows(path, text, skip_space=skip_space)
    _, header = next(rows, (0, []))
    if not header:
        raise InputError(f"{path}: not a CSV table: it is empty", hint=_HINT)
    names = [name.strip() for name in header]
    _check_header(path, names, required=required, known=known)
    width, lines, cells = len(names), [], []
    for line, row in rows:
        if len(row) > width:
            raise InputError(
                f"{path}, line {line}: {len(row)} cells, but the header has {width}",
                received=",".join(row)[:200],
                hint="is there a comma too many, or a text with commas that is not in quotes?",
            )
        lines.append(line)
        cells.append(row + [""] * (width - len(row)))
    table = pd.DataFrame(cells, columns=names, index=pd.Index(lines, dtype="int64"), dtype=str)
    if "" in names:
        if table[""].ne("").any(axis=None):
            raise InputError(f"{path}: a column with cells has no name", received=names, hint=_HINT)
        table = table.drop(columns="")
    return table


def _rows(path: Path, text: str, *, skip_space: bool) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line that it begins in."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=skip_space)
    before = 0
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield before + 1, row
            before = reader.line_num
    except csv.Error as error:
        raise InputError(f"{path}, line {before + 1}: not a CSV table ({error})", hint=_HINT) from error


def _check_separator(path: Path, text: str, required: tuple[str, ...]) -> None:
    header = next((line for line in text.splitlines() if line.strip()), "")
    for separator, word in _SEPARATORS.items():
        names = {name.strip().strip('"') for name in header.split(separator)}
        if separator in header and names >= set(required):
            what = f"{path}: the cells are separated by {word} ({separator!r}), not by commas"
            raise InputError(what, received=header, hint=_HINT)


def _check_header(
    path: Path, names: list[str], *, required: tuple[str, ...], known: tuple[str, ...] | None
) -> None:
    missing = [name for name in required if name not in names]
    faults = [f"column {name!r} is missing" for name in missing]
    faults += [f"unknown column {name!r}" for name in names if known is not None and name not in (*known, "")]
    faults += [
        f"column {name!r} stands twice" for name in sorted(set(names)) if name and names.count(name) > 1
    ]
    if faults:
        allowed = ", ".join(known or required)
        raise InputError(
            f"{path}: " + "; ".join(faults),
            received=names,
            allowed=allowed,
            hint=_header_hint(names, missing),
        )


def _header_hint(names: list[str], missing: list[str]) -> str:
    """What most likely became of the columns that are missing."""
    if names[0].lower().startswith("sep="):
        return "take out the first line, which only tells a spreadsheet the separator"
    alike = {name: other for name in missing for other in names if other.lower() == name.lower()}
    if alike:
        return "write names in small letters: " + ", ".join(
            f"{new!r} for {old!r}" for new, old in alike.items()
        )
    return ""

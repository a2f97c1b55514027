"""Rows as CSV that every reader takes apart again, whatever their cells hold."""

import csv
import io
from collections.abc import Iterable, Sequence

__all__ = ["csv_text"]


def csv_text(columns: Sequence[str], rows: Iterable[Sequence]) -> str:
    r"""A header and rows, with line ends of Unix.

    Python's writer leaves a carriage return without quotes up to 3.12, where readers see the end of a row: a
    row that holds one is quoted whole.

    Examples
    --------
    >>> csv_text(("file", "reason"), [("a.png", "empty"), ("b\\r.png", None)])
    'file,reason\\na.png,empty\\n"b\\r.png",""\\n'
    """
    text = io.StringIO()
    plain = csv.writer(text, lineterminator="\n")
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in (columns, *rows):
        torn = any(isinstance(cell, str) and "\r" in cell for cell in row)
        (quoted if torn else plain).writerow(row)
    return text.getvalue()

"""Rows as CSV: what is taken apart again, by Python's reader and by pandas."""

import csv
import io

import pandas as pd

from fusionmedclip.csv_text import csv_text

ROWS = [("plain", "1.5"), ("a\rb", "x"), ("\r", 'say "x"'), ("a\r\nb", ","), ("a\nb", ""), ("é, ü", "\r\n")]


def test_readers_see_the_same_rows() -> None:
    text = csv_text(("file", "reason"), ROWS)
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["file", "reason"], *map(list, ROWS)]
    read = pd.read_csv(io.BytesIO(text.encode()), keep_default_na=False)
    assert list(read.itertuples(index=False, name=None)) == ROWS


def test_other_rows_are_as_python_writes_them() -> None:
    rows = [("a b", 1, None), ("a,b", 0.1, True), ('"', "a\nb", "")]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("x", "y", "z"), *rows])
    assert csv_text(("x", "y", "z"), iter(rows)) == text.getvalue()

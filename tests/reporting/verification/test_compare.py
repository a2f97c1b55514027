"""Equal but for the last digits of floats, and the first difference in words."""

import math

import pytest

from fusionmedclip.reporting.verification.compare import csv_difference, difference


@pytest.mark.parametrize(
    ("written", "again"),
    [
        ({"a": 1, "b": [1.0, None]}, {"b": [1.0 + 1e-12, None], "a": 1}),
        (0.1 + 0.2, 0.3),
        (math.nan, math.nan),
        (1, 1.0),
        ("x", "x"),
    ],
)
def test_equal(written, again) -> None:
    assert difference(written, again) == ""


@pytest.mark.parametrize(
    ("written", "again", "says"),
    [
        ({"a": {"b": 0.5}}, {"a": {"b": 0.5000001}}, "a.b: 0.5 is written, 0.5000001 is computed"),
        ({"a": 1}, {}, "a is one too many"),
        ({}, {"a": 1}, "a is missing"),
        ({"a": [1, 2]}, {"a": [1, 3]}, "a[1]: 2 is written, 3 is computed"),
        ({"a": [1, 2]}, {"a": [1]}, "a: [1, 2] is written"),
        ({"a": None}, {"a": 0.0}, "a: None is written"),
        ({"a": True}, {"a": 1}, "a: True is written"),
        ({"a": True}, {"a": 1.0}, "a: True is written"),
        ({"a": "1"}, {"a": 1}, "a: 1 is written"),
        (math.nan, 0.5, "nan is written"),
    ],
)
def test_different(written, again, says: str) -> None:
    assert says in difference(written, again)


@pytest.mark.parametrize(
    ("written", "again", "says"),
    [
        ("a,b\n1,x\n", "a,b\n1.0000000000001,x\n", ""),
        ("a,b\n1,x\n", "a,b\n1.1,x\n", "line 2, a: 1.0 is written, 1.1 is computed"),
        ("a,b\n1,x\n", "a,b\n1,y\n", "line 2, b: x is written, y is computed"),
        ("a,b\n1,\n", "a,b\n1,0\n", "line 2, b:  is written, 0.0 is computed"),
        ("a,b\n1,x\n", "a,c\n1,x\n", "2 lines with columns a,b"),
        ("a,b\n1,x\n", "a,b\n", "2 lines with columns a,b are written, 1 with a,b"),
        ("a,b\n1,x,2\n", "a,b\n1,x,2\n\n", "2 lines"),
        ("a,b\n1,x,2\n", "a,b\n1,x,3\n", "line 2 has 3 cells"),
        ("", "a\n", "0 lines with columns none"),
    ],
)
def test_tables(written: str, again: str, says: str) -> None:
    found = csv_difference(written, again)
    assert says in found
    assert bool(found) is bool(says)

"""The table of claims as it is read again."""

import re

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.reporting.claims.catalogue import claims
from fusionmedclip.reporting.claims.evidence import Evidence
from fusionmedclip.reporting.claims.formats import claims_csv
from fusionmedclip.reporting.claims.lines import claim_lines
from fusionmedclip.reporting.claims.read import read_claims
from fusionmedclip.reporting.claims.verdicts import CANNOT_TELL, NOT_TESTABLE, judge_claims
from fusionmedclip.reporting.tables.inputs import write_record


@pytest.fixture
def path(tmp_path):
    """A table of claims without a record."""
    path = tmp_path / "tables/claims.csv"
    path.parent.mkdir()
    path.write_text(claims_csv(claim_lines(judge_claims(claims(), Evidence({}, {})), {})))
    assert len(read_claims(path)) == 20
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("verdict", "verdikt", "not a table of claims"),
        (NOT_TESTABLE, "certainly", "no verdict on a claim"),
        ("short", "\xff", "cannot be read as table of claims"),
        ("\nbest_image,", "\nbest_of_all,", "the thesis makes no claim best_of_all"),
        ("Over 37 points", "Over 97 points", "short of over_zero_shot"),
        ("table8 busi clip 16", "table8 busi coop 16", "cells of "),
    ],
)
def test_another_table_is_no_table_of_claims(path, old, new, says):
    text = path.read_text()
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode("latin-1", "replace"))
    with pytest.raises(InputError, match=says):
        read_claims(path)


def test_an_empty_table_is_no_table_of_claims(path):
    path.write_text("")
    with pytest.raises(InputError, match="not a table of claims"):
        read_claims(path)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda lines: lines[:-1], "1 of 20 are missing, such as synthesis_needed"),
        (lambda lines: [*lines, lines[-1]], "stands twice"),
        (lambda lines: [lines[0], *lines[2:], lines[1]], "out of the order"),
        (lambda lines: [*lines, lines[-1].replace("synthesis_needed", "moon")], "no claim moon"),
    ],
)
def test_every_claim_of_the_package_stands_there_once(path, edit, says):
    path.write_text("".join(edit(path.read_text().splitlines(keepends=True))))
    with pytest.raises(InputError, match=says) as raised:
        read_claims(path)
    assert f"fusionmedclip verify {path.parents[1]} " in str(raised.value)


def test_a_verdict_in_its_order_is_refused_where_a_record_holds_other_bytes(path):
    results = path.parents[1]
    record = path.with_name("claims.inputs.json")
    write_record(record, results=results, layout={}, outputs=[path])
    assert len(read_claims(path)) == 20
    text = path.read_text()
    path.write_text(re.sub(f"best_image,{NOT_TESTABLE}", f"best_image,{CANNOT_TELL}", text))
    with pytest.raises(InputError, match=r"altered since claims\.inputs\.json"):
        read_claims(path)
    record.unlink()
    assert read_claims(path)[1]["verdict"] == CANNOT_TELL
    write_record(record, results=results, layout={}, outputs=[])
    with pytest.raises(InputError, match="altered since"):
        read_claims(path)

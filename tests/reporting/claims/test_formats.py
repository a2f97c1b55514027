"""Claims as they are printed."""

import csv
import html
import io
import re

import pytest

from fusionmedclip.reporting.claims.catalogue import claims
from fusionmedclip.reporting.claims.evidence import Evidence
from fusionmedclip.reporting.claims.formats import (
    claims_csv,
    claims_html,
    claims_in_report,
    claims_latex,
    claims_markdown,
)
from fusionmedclip.reporting.claims.lines import COLUMNS, claim_lines
from fusionmedclip.reporting.claims.verdicts import judge_claims
from fusionmedclip.reporting.tables.anchors import anchor

ALL = {cell for claim in claims() for cell in claim.cells}
SEVEN = {cell for cell in ALL if cell.table == "table7"}


@pytest.fixture(scope="module")
def lines():
    return claim_lines(judge_claims(claims(), Evidence({}, {})), {"table7": "Table 7", "busi": "BUSI"})


def test_the_csv_has_a_line_a_claim_and_keeps_every_column(lines):
    rows = list(csv.DictReader(io.StringIO(claims_csv(lines))))
    assert tuple(rows[0]) == COLUMNS
    assert {row["claim"] for row in rows} == {claim.name for claim in claims()}
    first = next(row for row in rows if row["claim"] == "busi_figure")
    assert first["verdict"] == "contradicted by its own tables"
    why, _, reading = first["because"].partition(" Read as: ")
    assert why == "Table 7 gives 91.5 for fusionmedclip, BUSI, k = 16; claimed is 89.9."
    assert reading == first["reading"] != ""


def test_each_cell_has_a_link_where_its_table_is_and_a_command_everywhere(lines):
    page = claims_html(lines, shown=SEVEN)
    cells = [cell for claim in claims() for cell in claim.cells]
    links = re.findall(r'href="([^"]+)"', page)
    assert links == [
        f"table7.html#{anchor(*cell)}" for line in lines for cell in _cells(line) if cell[0] == "table7"
    ]
    assert page.count("<code>fusionmedclip trace ") == len(cells)
    assert "<code>fusionmedclip trace table7 busi fusionmedclip 16</code>" in page


def _cells(line):
    parts = [cell.split(" ") for cell in line["cells"].split("; ") if cell]
    return [(*names, int(k)) for *names, k in parts]


def test_in_a_report_the_links_stay_on_the_page(lines):
    fragment = claims_in_report(claims_html(lines, shown=ALL))
    assert fragment.startswith("<section")
    assert fragment.endswith("</section>")
    links = re.findall(r'href="([^"]+)"', fragment)
    assert len(links) > 100
    assert all(link.startswith("#table") for link in links)


def test_what_many_claims_share_is_folded_and_what_decides_is_not(lines):
    page = claims_html(lines)
    assert "<details class='verdict' open><summary>Contradicted by its own tables (1)" in page
    assert "<details class='verdict'><summary>Not testable here (19)" in page


def test_a_contradiction_stands_with_its_reading_beside_the_claim_itself(lines):
    page, reading = (
        claims_html(lines),
        next(claim.reading for claim in claims() if claim.name == "busi_figure"),
    )
    (line,) = re.findall(r"<summary><span class='mark no'>.*?</summary>", page)
    assert "Table 7 gives 91.5" in line
    assert page.count("Read as:") == 1
    assert html.escape(f"Read as: {reading}") in line
    assert html.escape(f"How it is read: {reading}") not in page


def test_text_formats_have_a_row_a_claim(lines):
    markdown, latex = claims_markdown(lines), claims_latex(lines)
    assert len([line for line in markdown.splitlines() if line.startswith("| ")]) == 20 + 2
    assert latex.count(r" \\") == 20 + 1
    assert "Over 37 points ahead of zero-shot CLIP" in latex

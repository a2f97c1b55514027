"""The report: every table under its own name, its numbers those of the CSV."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from fusionmedclip.reporting.report import write_report
from fusionmedclip.reporting.tables import COLUMNS


class Tables(HTMLParser):
    """Headings and cells of a page."""

    def __init__(self):
        super().__init__()
        self.found, self.name, self.tag = {}, "", ""

    def handle_starttag(self, tag, attrs):
        self.tag = tag
        if tag == "tr":
            self.found.setdefault(self.name, []).append([])
        if tag in ("td", "th"):
            self.found[self.name][-1].append("")

    def handle_endtag(self, tag):
        self.tag = ""

    def handle_data(self, data):
        if self.tag == "h2":
            self.name = data
        elif self.tag in ("td", "th"):
            self.found[self.name][-1][-1] += data


def _table(folder, name, rows):
    pd.DataFrame([{**dict.fromkeys(COLUMNS), **row} for row in rows]).to_csv(
        folder / f"{name}.csv", index=False
    )
    return folder / f"{name}.csv"


@pytest.fixture
def page(tmp_path):
    common = {"k": 16, "status": "stand-in", "backbone": "b", "metric": "image_auroc"}
    eight = [
        {**common, "row": row, "dataset": dataset, "method": method, "mean": mean}
        for row, method, means in ((1, "clip", (0.1, 0.2)), (2, "coop", (0.3, 0.4)))
        for dataset, mean in zip(("busi", "brainmri"), means, strict=True)
    ]
    six = [{**common, "row": 1, "dataset": "busi", "method": "squid", "mean": 0.55, "status": "ok"}]
    out = tmp_path / "report.html"
    write_report(
        tables=[_table(tmp_path, "table8", eight), _table(tmp_path, "table6", six)],
        layouts={"table6": ["Six", "dataset_k"], "table8": ["Eight", "method"]},
        titles={"busi": "BUSI", "squid": "SQUID"},
        figures=[],
        tier="demo <1>",
        out=out,
    )
    return out.read_text()


def test_each_table_stands_under_its_own_name(page):
    parser = Tables()
    parser.feed(page)
    assert list(parser.found) == ["table8", "table6"]
    assert parser.found["table8"] == [
        ["", "Configuration", "BUSI", "brainmri"],
        ["1", "clip", "10.0 *", "20.0 *"],
        ["2", "coop", "30.0 *", "40.0 *"],
    ]
    assert parser.found["table6"] == [["Data set", "k", "SQUID"], ["BUSI", "16", "55.0"]]


def test_page_says_what_is_a_stand_in_and_loads_nothing(page):
    assert "neither confirm nor refute" in page
    assert "demo &lt;1&gt;" in page
    assert not re.search(r"(src|href)=['\"]?(https?:)?//", page)

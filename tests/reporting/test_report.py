"""The report: one page with every part, its numbers those of the CSV, nothing loaded from elsewhere."""

import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from PIL import Image

from fusionmedclip.reporting.report import write_report
from fusionmedclip.reporting.table_html import html_page, html_table
from fusionmedclip.reporting.tables import COLUMNS

PARTS = [
    "tables",
    "figures",
    "data",
    "controls",
    "deviations",
    "configuration",
    "machine",
    "workflow",
    "times",
]


class Page(HTMLParser):
    """Text by section, cells by section, and the addresses that a page asks for."""

    def __init__(self, text):
        super().__init__()
        self.section, self.text, self.cells, self.addresses, self.open = "", {}, {}, [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.addresses += [attrs[name] for name in ("src", "href") if name in attrs]
        if tag == "h2":
            self.section = attrs["id"]
        if tag in ("td", "th"):
            self.cells.setdefault(self.section, []).append("")
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        self.text[self.section] = self.text.get(self.section, "") + data
        if "td" in self.open or "th" in self.open:
            self.cells[self.section][-1] += data


def table(folder, name, rows, **layout):
    frame = pd.DataFrame([{**dict.fromkeys(COLUMNS), "table": name, **row} for row in rows])
    frame.to_csv(folder / f"{name}.csv", index=False)
    frame = pd.read_csv(folder / f"{name}.csv")
    fragment = html_table(frame, title=name, titles={"squid": "SQUID"}, **layout)
    (folder / f"{name}.html").write_text(html_page(fragment, title=name))
    return folder / f"{name}.html"


def record(method, fit, commit="a" * 40):
    return {
        "settings": {"method": {"name": method}},
        "provenance": {
            "commit": commit,
            "dirty": False,
            "packages": {"numpy": "9.9"},
            "device": "cpu",
            "python": "3",
        },
        "timing": {"fit_s": fit, "score_s": 2.0, "images_per_s": 50.0},
        "memory": {"peak_bytes": 3 * 2**30},
        "trained_parameters": {"lora": 1200, "prompt": 34},
    }


@pytest.fixture
def page(tmp_path):
    common = {
        "k": 16,
        "row": 1,
        "dataset": "busi",
        "backbone": "b",
        "metric": "image_auroc",
        "split": "paper",
    }
    six = [{**common, "method": "squid", "mean": 0.5512, "std": 0.02, "n_seeds": 2, "status": "ok"}]
    dark = [{**common, "method": "darkness", "mean": 0.7777, "n_seeds": 1, "status": "stand-in"}]
    metrics = []
    for number, fit in enumerate((1.0, 5.0, 30.0)):
        metrics.append(tmp_path / f"{number}.json")
        metrics[-1].write_text(json.dumps(record("squid", fit)))
    (tmp_path / "datasheet.json").write_text(json.dumps({"dataset": "busi", "licence": "CC <0>"}))
    curation = {
        "dataset": "busi",
        "summary": {
            "images": 12,
            "classes": {
                "a": {"label": 0, "images": 5},
                "b": {"label": 1, "images": 4},
                "c": {"label": 1, "images": 3},
            },
            "sizes": {"smallest": "5 x 5", "median": "6 x 6", "largest": "7 x 7"},
            "masks": 2,
            "duplicates": {"redundant": 1},
        },
        "findings": [{"kind": "empty_mask"}, {"kind": "label_conflict"}, {"kind": "empty_mask"}],
        "shortcuts": [{"property": "border_mean", "auroc": 0.2}, {"property": "bytes", "auroc": 0.6}],
    }
    (tmp_path / "curation.json").write_text(json.dumps(curation))
    Image.new("L", (4, 4)).save(tmp_path / "training_busi.png")
    (tmp_path / "deviations.md").write_text("# Head\n\n| a | b |\n| --- | --- |\n| x <y> | z |\n")
    out = tmp_path / "report.html"
    write_report(
        tables=[
            table(tmp_path, "table6", six, layout="dataset_k"),
            table(tmp_path, "controls", dark, layout="dataset_k"),
        ],
        figures=[tmp_path / "training_busi.png"],
        datasheets=[tmp_path / "datasheet.json"],
        curations=[tmp_path / "curation.json"],
        metrics=metrics,
        deviations=tmp_path / "deviations.md",
        titles={"busi": "BUSI", "squid": "SQUID"},
        controls=["darkness"],
        jobs={"run_method": 3, "compute_metrics": 3, "write_report": 1},
        configuration={
            "tier": "demo <1>",
            "seeds": [0, 1],
            "split": "paper",
            "image_size": 96,
            "note": "a < b",
        },
        out=out,
    )
    return Page(out.read_text())


def test_every_part_is_there_in_order(page):
    assert [part for part in page.text if part] == PARTS


def test_tables_and_controls_stand_apart_with_the_numbers_of_their_csv(page):
    assert any("55.1" in cell for cell in page.cells["tables"])
    assert not any("77.8" in cell for cell in page.cells["tables"])
    assert any("77.8" in cell for cell in page.cells["controls"])


def test_the_opening_counts_cells(page):
    assert "Of 2 cells 1 were made with the thesis's data and weights, 1 with stand-ins, 0 were not run" in (
        " ".join(page.text[""].split())
    )
    assert "neither confirm nor refute" in page.text[""]


def test_data_are_counted_and_their_flaws_named(page):
    assert page.cells["data"][8:16] == ["BUSI", "12", "5", "7", "2", "5 x 5 to 7 x 7", "1", "CC <0>"]
    assert "An abnormal image with an empty mask: 2" in page.text["data"]
    assert "border mean 0.800" in page.text["data"]
    assert "bytes" not in page.text["data"].split("Shortcuts")[1]


def test_times_are_medians_over_the_runs(page):
    row = page.cells["times"][8:]
    assert row[:5] == ["SQUID", "3", "5.0", "30.0", "20.0"]
    assert row[5:] == ["3.00", "1,234", "0.7"]  # (1 + 5 + 30 + 3 x 2) s = 0.7 min


def test_the_graph_has_the_stages_with_jobs(page):
    assert "run method" in page.text["workflow"]
    assert "3 jobs" in page.text["workflow"]
    assert "pretrain" not in page.text["workflow"]


def test_settings_and_documents_are_shown_as_text(page):
    assert "note: a < b" in page.text["configuration"]
    assert "x <y>" in page.cells["deviations"]
    assert "Head" not in page.text["deviations"]


def test_nothing_is_loaded_from_elsewhere(page):
    loaded = [
        a for a in page.addresses if not re.match(r"#|data:image/png;base64,|figures/curation\.html$", a)
    ]
    assert loaded == []
    assert any(a.startswith("data:image/png;base64,") for a in page.addresses)

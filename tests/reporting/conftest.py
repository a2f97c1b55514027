"""A small report, made once for the tests that read it and the tests that open it."""

import json
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from fusionmedclip.reporting.claims.catalogue import claims
from fusionmedclip.reporting.claims.comparisons import Cell
from fusionmedclip.reporting.claims.evidence import Evidence
from fusionmedclip.reporting.claims.formats import claims_html
from fusionmedclip.reporting.claims.lines import claim_lines
from fusionmedclip.reporting.claims.verdicts import judge_claims
from fusionmedclip.reporting.report.write import write_report
from fusionmedclip.reporting.tables.build import COLUMNS
from fusionmedclip.reporting.tables.grid import make_grid
from fusionmedclip.reporting.tables.html import grid_html, html_page


def table(folder, name, rows, **layout):
    frame = pd.DataFrame([{**dict.fromkeys(COLUMNS), "table": name, **row} for row in rows])
    frame.to_csv(folder / f"{name}.csv", index=False)
    frame = pd.read_csv(folder / f"{name}.csv")
    fragment = grid_html(make_grid(frame, title=name, titles={"squid": "SQUID"}, **layout))
    (folder / f"{name}.html").write_text(html_page(fragment, title=name))
    return folder / f"{name}.html"


MACHINE = {"processor": "Made-up CPU", "vectors": "AVX2", "blas": {"numpy": "openblas 1"}, "onednn": "3.1"}


def record(method, fit, commit="a" * 40, kind="patchcore"):
    return {
        "settings": {"method": {"name": method, "kind": kind, "settings": {}}},
        "provenance": {
            "commit": commit,
            "dirty": False,
            "packages": {"numpy": "9.9"},
            "device": "cpu",
            "machine": MACHINE,
            "arithmetic": {"precision": "float32", "deterministic": True},
            "python": "3",
        },
        "timing": {"fit_s": fit, "score_s": 2.0, "images_per_s": 50.0},
        "memory": {"peak_bytes": 3 * 2**30},
        "trained_parameters": {"lora": 1200, "prompt": 34},
    }


@pytest.fixture
def report_page(tmp_path) -> Path:
    """A report of one cell of Table 6, one control and three runs; the CSV files lie beside it."""
    return make_report(tmp_path)


@pytest.fixture
def labelled_page(tmp_path) -> Path:
    """The same with a table that holds a method taught by other data sets' labels, beside one that is not."""
    return make_report(tmp_path, labelled=True)


def make_report(tmp_path: Path, *, labelled: bool = False) -> Path:
    common = {
        "k": 16,
        "row": 1,
        "dataset": "busi",
        "backbone": "b",
        "metric": "image_auroc",
        "split": "paper",
    }
    thesis = {"paper_mean": 0.648, "paper_std": 0.045, "delta": 0.5512 - 0.648}
    six = [{**common, "method": "squid", "mean": 0.5512, "std": 0.02, "n_seeds": 2, "status": "ok", **thesis}]
    dark = [{**common, "method": "darkness", "mean": 0.7777, "n_seeds": 1, "status": "stand-in"}]
    metrics = []
    for number, fit in enumerate((1.0, 5.0, 30.0)):
        metrics.append(tmp_path / f"{number}.json")
        metrics[-1].write_text(json.dumps(record("squid", fit)))
    tables = [
        table(tmp_path, "table6", six, layout="dataset_k"),
        table(tmp_path, "controls", dark, layout="dataset_k"),
    ]
    if labelled:
        taught = [
            {**common, "method": "told", "mean": 0.8989, "n_seeds": 1, "status": "ok"},
            {**common, "method": "untold", "mean": 0.3131, "n_seeds": 1, "status": "ok"},
        ]
        tables.insert(0, table(tmp_path, "peers_labelled", taught, layout="dataset_k"))
        for method, kind in (("told", "anomalyclip"), ("untold", "patchcore")):
            metrics.append(tmp_path / f"{method}.json")
            metrics[-1].write_text(json.dumps(record(method, 1.0, kind=kind)))
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
    lines = claim_lines(judge_claims(claims(), Evidence({}, {})), {})
    shown = {Cell("table6", "busi", "squid", 16)}
    (tmp_path / "claims.html").write_text(claims_html(lines, shown=shown))
    out = tmp_path / "report.html"
    write_report(
        claims=[tmp_path / "claims.html"],
        tables=tables,
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
    return out

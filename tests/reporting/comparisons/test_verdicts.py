"""Cells against the thesis: which are judged, with what, and what a table says of it."""

import numpy as np
import pandas as pd
import pytest

from fusionmedclip.metrics import (
    PrintedMean,
    SplitDraw,
    Spread,
    delong,
    holm,
    image_variances,
    printed_difference,
)
from fusionmedclip.reporting.comparisons.tested_images import Images
from fusionmedclip.reporting.comparisons.verdict_text import verdict_lines
from fusionmedclip.reporting.comparisons.verdicts import VERDICT_COLUMNS, judge
from fusionmedclip.reporting.thesis.paper import printed

IMAGES = {
    "busi": Images(normal=133, abnormal=647, pool=32),
    "chexpert": Images(normal=500, abnormal=250, pool=250),
}
TESTED = {"busi": (101, 647), "chexpert": (250, 250)}


def _cell(dataset="busi", method="patchcore", k=16, *, table="table6", status="ok", seeds=3, strength=1.6):
    rng = np.random.default_rng(len(method) * k)
    labels = np.repeat([0, 1], TESTED[dataset])
    image = rng.normal(size=labels.size) + strength * labels
    scores = image + 0.3 * rng.normal(size=(seeds, labels.size))
    metric = "pixel_auroc" if table == "table7" else "image_auroc"
    return {
        "table": table, "dataset": dataset, "method": method, "k": k, "metric": metric, "status": status,
        "values": delong(labels, scores).aurocs.tolist() if seeds > 1 else [0.8],
        "labels": labels, "scores": scores,
    }  # fmt: skip


def _by_cell(table):
    return table.set_index(["dataset", "method", "k"])


def test_only_cells_of_the_protocol_that_the_thesis_prints_are_judged():
    cells = [
        _cell(),
        _cell(method="squid", status="stand-in"),
        _cell(method="simplenet", seeds=1),
        {**_cell(method="regad"), "values": [], "status": "ok"},
        {**_cell(), "method": "own"},
        {**_cell(), "table": "variants", "method": "fusionmedclip"},
        {**_cell(), "dataset": "brainmri"},  # nothing is known of its images
    ]
    table = judge(cells, IMAGES)
    assert list(table.columns) == list(VERDICT_COLUMNS)
    assert [tuple(line) for line in table[["dataset", "method", "k"]].to_numpy()] == [
        ("busi", "patchcore", 16)
    ]
    assert judge(cells[1:], IMAGES).empty


def test_numbers_are_those_of_the_metrics_with_the_thesis_s_figures():
    cells = [_cell(k=k) for k in (8, 16, 32)] + [_cell("chexpert")]
    table = _by_cell(judge(cells, IMAGES))
    busi = SplitDraw(normal=101, anomalous=647, normal_of=133, anomalous_of=647, pool=32)
    chexpert = SplitDraw(normal=250, anomalous=250, normal_of=None, anomalous_of=None, pool=250)
    smaller = Spread(16, cells[1]["values"], printed("table6", "busi", "patchcore", 16, "image_auroc").std)
    for cell, draw, other in zip(
        cells, (busi, busi, busi, chexpert), (None, None, smaller, None), strict=True
    ):
        figure = printed("table6", cell["dataset"], "patchcore", cell["k"], "image_auroc")
        wanted = printed_difference(
            cell["values"],
            PrintedMean(*figure),
            k=cell["k"],
            draw=draw,
            images=image_variances(cell["labels"], cell["scores"], printed=figure.mean, draw=draw),
            smaller=other,
        )
        line = table.loc[cell["dataset"], "patchcore", cell["k"]]
        assert line[["difference", "ci_low", "ci_high", "p"]].tolist() == pytest.approx(list(wanted[:4]))
        assert line["difference"] == pytest.approx(np.mean(cell["values"]) - figure.mean)
        assert line["se_our_images"] == pytest.approx(wanted.our_images)
        sign = "above" if wanted.low > 0 else "below" if wanted.high < 0 else "within"
        assert line["verdict"] == sign
    assert table["p_holm"].tolist() == pytest.approx(holm(table["p"].to_numpy(float)).tolist())


def test_a_far_figure_is_above_or_below():
    table = _by_cell(judge([_cell(strength=9), _cell(method="squid", strength=-9)], IMAGES))
    assert table["verdict"].tolist() == ["above", "below"]
    assert table["ci_low"].iloc[0] > 0
    assert table["ci_high"].iloc[1] < 0


def test_the_whole_pool_as_support_set_gets_no_verdict_alone():
    line = judge([_cell(k=32), _cell(method="squid", k=16)], IMAGES).iloc[0]
    assert pd.isna(line["p"])
    assert line["verdict"] == ""
    assert "another pool" in line["note"]
    assert not pd.isna(line["difference"])


def test_pixel_metrics_have_no_images():
    line = judge([_cell(table="table7")], IMAGES).iloc[0]
    assert (line["se_our_images"], line["se_thesis_images"]) == (0, 0)
    assert "pixel" in line["note"]
    assert line["p"] > 0


def _verdict(**more):
    line = {"dataset": "d", "method": "m", "k": 4, "difference": 0.02, "ci_low": -0.02, "ci_high": 0.06,
            "p": 0.2, "p_holm": 0.4, "verdict": "within", "note": ""}  # fmt: skip
    return {**dict.fromkeys(VERDICT_COLUMNS), **line, **more}


def test_the_lines_below_a_table_count_false_alarms_and_name_what_differs():
    away = {
        "verdict": "below",
        "difference": -0.05,
        "ci_low": -0.09,
        "ci_high": -0.01,
        "p": 0.02,
        "p_holm": 0.06,
    }
    far = {
        "verdict": "above",
        "difference": 0.1,
        "ci_low": 0.05,
        "ci_high": 0.15,
        "p": 0.0002,
        "p_holm": 0.0008,
    }
    table = pd.DataFrame([
        _verdict(), _verdict(k=8, **away), _verdict(k=16, **far),
        _verdict(method="n", ci_low=-0.1, ci_high=0.14),
        _verdict(k=32, p=None, p_holm=None, verdict="", note="no verdict: x"),
    ])  # fmt: skip
    lines = verdict_lines(table, {"d": "D", "m": "M"})
    assert lines[0].startswith("2 of 4 cells differ from the thesis")
    assert "up to 0.2 would by chance" in lines[0]
    assert "cells of this table 1 are left" in lines[0]
    assert "Intervals reach 4.5 points to either side (median; 4.0 to 12.0)" in lines[0]
    assert lines[1] == "M, D, k = 16: +10.0 points (+5.0 to +15.0, p < 0.001, corrected p < 0.001)."
    assert lines[2] == "M, D, k = 8: -5.0 points (-9.0 to -1.0, p = 0.020, corrected p = 0.060)."
    assert lines[3:] == ["No verdict: x. M, D, k = 32."]
    assert verdict_lines(table.iloc[:0], {}) == []

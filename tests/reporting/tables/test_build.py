"""Rows and tables from metrics files."""

import json

import numpy as np
import pandas as pd
import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.reporting.tables.build import build_table, markdown
from fusionmedclip.reporting.tables.row import COLUMNS, build_row


def _cell(method="patchcore", metric="image_auroc", runs=None, reasons=(), k=4):
    return {
        "table": "table6", "row": 1, "dataset": "busi", "method": method, "k": k, "metric": metric,
        "split": "paper", "backbone": "none", "reasons": list(reasons), "runs": runs or {},
    }  # fmt: skip


def _write_run(folder, path, metrics, *, digest="d", seed=0):
    out = folder / "metrics" / f"{path}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"settings_digest": digest, "metrics": metrics}))
    rng = np.random.default_rng(seed)
    labels = np.array([0] * 20 + [1] * 20)
    scores = pd.DataFrame(
        {"image_id": [f"{i}" for i in range(40)], "label": labels, "score": rng.normal(labels)}
    )
    (folder / "scores" / path).mkdir(parents=True, exist_ok=True)
    scores.to_csv(folder / "scores" / path / "scores.csv", index=False)


def _build(folder, cells):
    out = folder / "row.csv"
    build_row(request=cells, results=folder, manifests=[], out=out)
    return pd.read_csv(out)


def test_mean_deviation_and_difference_by_hand(tmp_path):
    for seed, value in enumerate([0.80, 0.84, 0.86]):
        _write_run(tmp_path, f"r/seed{seed}", {"pixel_auroc": value}, seed=seed)
    cell = _cell(metric="pixel_auroc", runs={f"r/seed{i}": "d" for i in range(3)}) | {"table": "table7"}
    row = _build(tmp_path, [cell]).iloc[0]
    assert list(_build(tmp_path, [cell]).columns) == list(COLUMNS)
    assert row["mean"] == pytest.approx(2.5 / 3)
    # deviations -0.0333, 0.00667, 0.02667: squares add to 0.0018667, over n - 1 = 2
    assert row["std"] == pytest.approx(np.sqrt(0.0018666667 / 2), rel=1e-6)
    assert row["paper_mean"] == pytest.approx(0.785)
    assert row["delta"] == pytest.approx(2.5 / 3 - 0.785)
    # Student's t, 2 degrees of freedom, 97.5 %: 4.302653
    assert row["ci_high"] == pytest.approx(min(1, 2.5 / 3 + 4.302653 * row["std"] / np.sqrt(3)), rel=1e-5)
    assert (row["n_seeds"], row["status"]) == (3, "ok")


def test_what_was_not_run_is_empty_and_never_zero(tmp_path):
    row = _build(tmp_path, [_cell(runs={})]).iloc[0]
    assert row["status"] == "not run"
    assert row[["mean", "std", "ci_low", "ci_high", "delta"]].isna().all()
    assert row["paper_mean"] == pytest.approx(0.817)


def test_a_method_without_a_map_has_no_pixel_figure(tmp_path):
    _write_run(tmp_path, "r/seed0", {"image_auroc": 0.8})
    row = _build(tmp_path, [_cell(metric="pixel_auroc", runs={"r/seed0": "d"})]).iloc[0]
    assert row["status"] == "not run"


@pytest.mark.parametrize(
    ("metric", "pixels", "said"),
    [
        ("pixel_auroc", {"lesion": 0, "scored": 900}, "no lesion mask"),
        ("pixel_auroc", {}, "not run"),
        ("image_ap", {"lesion": 0, "scored": 900}, "not run"),
    ],
)
def test_where_no_mask_has_a_lesion_pixel_the_cell_says_so(tmp_path, metric, pixels, said):
    _write_run(tmp_path, "r/seed0", {"image_auroc": 0.8})
    path = tmp_path / "metrics" / "r" / "seed0.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "mask_pixels": pixels}))
    row = _build(tmp_path, [_cell(metric=metric, runs={"r/seed0": "d"})]).iloc[0]
    assert row["status"] == said
    assert row[["mean", "std", "ci_low", "ci_high", "delta"]].isna().all()


def test_metrics_of_other_settings_are_refused(tmp_path):
    _write_run(tmp_path, "r/seed0", {"image_auroc": 0.8}, digest="0123456789abcdef")
    with pytest.raises(InputError, match="other settings") as refused:
        _build(tmp_path, [_cell(runs={"r/seed0": "fedcba9876543210"})])
    assert "received: '0123456789ab'\n  allowed:  fedcba987654\n" in str(refused.value)


def test_image_interval_covers_the_mean_and_stays_within_one(tmp_path):
    for seed in range(3):
        _write_run(tmp_path, f"r/seed{seed}", {"image_auroc": 0.9 + seed / 100}, seed=seed)
    row = _build(tmp_path, [_cell(runs={f"r/seed{i}": "d" for i in range(3)}, reasons=["phantoms"])]).iloc[0]
    assert 0 <= row["ci_low"] <= row["ci_high"] <= 1
    assert row["status"] == "stand-in"


def test_table_joins_rows_and_markdown_says_what_is_a_stand_in(tmp_path):
    _write_run(tmp_path, "r/seed0", {"image_auroc": 0.5})
    first = _build(tmp_path, [_cell(runs={"r/seed0": "d"}, reasons=["x"]), _cell(method="squid")])
    first.to_csv(tmp_path / "one.csv", index=False)
    build_table(
        rows=[tmp_path / "one.csv"],
        title="T",
        titles={"busi": "BUSI", "squid": "SQUID"},
        layout="dataset_k",
        files=[tmp_path / "t.csv", tmp_path / "t.md"],
    )
    text = (tmp_path / "t.md").read_text()
    assert "| BUSI | 4 | 50.0 (thesis 81.7, -31.7) \\* | not run (thesis 55.4) |" in text
    assert "Stand-in" in text
    assert len(pd.read_csv(tmp_path / "t.csv")) == 2


def test_table_8_has_a_line_a_configuration():
    table = pd.DataFrame(
        [
            {**dict.fromkeys(COLUMNS), "row": r, "dataset": d, "method": m, "k": 16, "metric": "image_auroc",
             "mean": v, "status": "ok", "backbone": "b"}
            for r, m in ((1, "clip"), (2, "coop")) for d, v in (("busi", 0.5), ("brainmri", 0.75))
        ]
    )  # fmt: skip
    lines = markdown(table, title="T", titles={"clip": "CLIP"}, layout="method").splitlines()
    assert "| 1 | CLIP | **50.0** | **75.0** |" in lines
    assert "| 2 | coop | **50.0** | **75.0** |" in lines

"""From a printed number back to its sources."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.errors import InputError
from fusionmedclip.metrics import PixelCounts
from fusionmedclip.pipeline.files import write_json
from fusionmedclip.pipeline.measures import compute_metrics
from fusionmedclip.provenance import file_sha256
from fusionmedclip.reporting.tables.build import build_row
from fusionmedclip.reporting.verification.trace import trace_cell


@pytest.fixture
def results(tmp_path):
    """Two runs, their metrics and a table, made by the stages themselves."""
    runs = {}
    for seed in (0, 1):
        path = f"brainmri/paper/patchcore/k16/seed{seed}"
        scores = tmp_path / "scores" / path
        scores.mkdir(parents=True)
        rng = np.random.default_rng(seed)
        labels = np.repeat([0, 1], 30)
        table = pd.DataFrame(
            {"image_id": [f"i{n}" for n in range(60)], "label": labels, "score": rng.normal(labels)}
        )
        table.to_csv(scores / "scores.csv", index=False)
        PixelCounts().save(scores / "pixel_counts.npz")
        settings = {"seed": seed}
        run = {"settings": settings, "environment": {"commit": "abc", "dirty": False}, "inputs": {}}
        run |= {"trained_parameters": {}, "timing": {}, "memory": {}}
        write_json(tmp_path / "runs" / path / "provenance.json", run)
        compute_metrics(
            scores=scores / "scores.csv",
            pixel_counts=scores / "pixel_counts.npz",
            provenance=tmp_path / "runs" / path / "provenance.json",
            settings=settings,
            out=tmp_path / "metrics" / f"{path}.json",
        )
        runs[path] = json.loads((tmp_path / "metrics" / f"{path}.json").read_text())["settings_digest"]
    cell = {"table": "table6", "row": 1, "dataset": "brainmri", "method": "patchcore", "k": 16, "reasons": []}
    cell |= {"metric": "image_auroc", "split": "paper", "backbone": "b", "runs": runs}
    others = [{**cell, **other, "runs": {}} for other in ({"dataset": "busi"}, {"method": "squid"}, {"k": 8})]
    out = tmp_path / "tables" / "table6.csv"
    build_row(request=[*others, cell], results=tmp_path, manifests=[], out=out)
    return tmp_path


def test_a_number_is_computed_again_from_its_scores(results):
    found = trace_cell(results, "table6", "brainmri", "patchcore", 16)
    expected = []
    for seed in (0, 1):
        table = pd.read_csv(results / f"scores/brainmri/paper/patchcore/k16/seed{seed}/scores.csv")
        expected.append(roc_auc_score(table["label"], table["score"]))
    assert [run.recomputed for run in found.runs] == pytest.approx(expected, abs=1e-12)
    assert found.recomputed_mean == pytest.approx(np.mean(expected), abs=1e-12)
    assert found.holds


def test_a_changed_score_is_noticed(results):
    path = results / "scores/brainmri/paper/patchcore/k16/seed1/scores.csv"
    table = pd.read_csv(path)
    table.loc[0, "score"] += 10
    table.to_csv(path, index=False)
    found = trace_cell(results, "table6", "brainmri", "patchcore", 16)
    assert not found.holds
    assert found.runs[1].changed == (str(path),)
    assert found.runs[0].changed == ()


def test_changed_settings_are_noticed(results):
    path = results / "metrics/brainmri/paper/patchcore/k16/seed0.json"
    record = json.loads(path.read_text())
    record["settings"]["seed"] = 5
    path.write_text(json.dumps(record))
    assert not trace_cell(results, "table6", "brainmri", "patchcore", 16).holds


METRICS = "metrics/brainmri/paper/patchcore/k16/seed1.json"


def _forge(path, value):
    record = json.loads(path.read_text())
    record["metrics"]["image_auroc"] = value
    path.write_text(json.dumps(record))


def test_a_forged_figure_does_not_hold_though_scores_and_table_agree(results):
    """The table's mean is that of the scores; only the run's own figure is not."""
    _forge(results / METRICS, 0.99)
    found = trace_cell(results, "table6", "brainmri", "patchcore", 16)
    assert [run.holds for run in found.runs] == [True, False]
    assert found.runs[1].printed == 0.99
    assert found.recomputed_mean == pytest.approx(found.cell["mean"], abs=1e-12)
    assert not found.holds


@pytest.mark.parametrize("column", ["mean", "std", "ci_low", "ci_high", "delta", "paper_mean", "paper_std"])
def test_a_forged_column_does_not_hold(results, column):
    path = results / "tables/table6.csv"
    table = pd.read_csv(path)
    table[column] += 0.001
    table.to_csv(path, index=False)
    found = trace_cell(results, "table6", "brainmri", "patchcore", 16)
    assert f"line 2, {column}" in found.column
    assert not found.holds


def test_another_count_of_runs_does_not_hold(results):
    folder = results / "metrics/brainmri/paper/patchcore/k16"
    copied = [shutil.copytree(results / part, results / part.replace("seed0", "seed2")) for part in (
        "scores/brainmri/paper/patchcore/k16/seed0", "runs/brainmri/paper/patchcore/k16/seed0")]  # fmt: skip
    shutil.copy(folder / "seed0.json", folder / "seed2.json")
    assert not trace_cell(results, "table6", "brainmri", "patchcore", 16).holds
    for path in (*copied, folder / "seed2.json"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert trace_cell(results, "table6", "brainmri", "patchcore", 16).holds
    (folder / "seed1.json").unlink()
    assert not trace_cell(results, "table6", "brainmri", "patchcore", 16).holds


def test_moved_results_hold_and_are_traced_where_they_lie(results, tmp_path_factory):
    moved = tmp_path_factory.mktemp("elsewhere") / "moved"
    shutil.copytree(results, moved)
    shutil.rmtree(results)
    found = trace_cell(moved, "table6", "brainmri", "patchcore", 16)
    assert found.holds
    assert all(file.startswith(str(moved)) for run in found.runs for file in run.inputs)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (("table9", "brainmri", "patchcore", 16), "table6"),
        (("table6", "brain", "patchcore", 16), "dataset: brainmri, busi"),
        (("table6", "brainmri", "patchcore", 4), "k: 8, 16"),
        (("table6", "brainmri", "squid", 16), "was not run"),
    ],
)
def test_a_cell_that_is_not_there_names_those_that_are(results, cell, says):
    with pytest.raises(InputError, match=says):
        trace_cell(results, *cell)


def test_the_command_prints_and_fails_where_the_number_does_not_hold(results):
    arguments = ["trace", "table6", "brainmri", "patchcore", "16", "--results", str(results)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert "it holds" in done.output
    lines = done.output.splitlines()
    for seed in (0, 1):  # each on one line of its own, to be copied
        scores = results / f"scores/brainmri/paper/patchcore/k16/seed{seed}/scores.csv"
        assert [line for line in lines if line.split() == [file_sha256(scores)[:16], str(scores)]]
        metrics = f"{results}/metrics/brainmri/paper/patchcore/k16/seed{seed}.json"
        assert [line for line in lines if line.startswith(metrics)]
    (results / "scores/brainmri/paper/patchcore/k16/seed0/pixel_counts.npz").write_bytes(b"x")
    assert CliRunner().invoke(app, arguments).exit_code == 1
    wrong = CliRunner().invoke(app, ["trace", "table6", "x", "patchcore", "16", "--results", str(results)])
    assert wrong.exit_code == 2
    assert "allowed" in wrong.output

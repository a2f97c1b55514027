"""What a table says of methods that labels of other data sets taught, and of seeds that draw no support."""

import json

import pandas as pd
import pytest

from fusionmedclip.config import load_config
from fusionmedclip.reporting.tables.asked import table_layout
from fusionmedclip.reporting.tables.build import build_table
from fusionmedclip.reporting.tables.labelled_notes import labelled_lines
from fusionmedclip.reporting.tables.row import COLUMNS

TITLES = {"busi": "BUSI", "brainmri": "BrainMRI", "chexpert": "CheXpert", "anomalyclip": "AnomalyCLIP"}


@pytest.fixture
def metrics(tmp_path):
    """Runs of two seeds whose learnt record left three images of CheXpert out, and one of another method."""
    paths = []
    for method in ("anomalyclip", "clip_untrained"):
        for seed in ("seed0", "seed1"):
            path = tmp_path / f"metrics/busi/paper/{method}/k4/{seed}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            meta = {"brainmri": {}, "chexpert": {}} if method == "anomalyclip" else {}
            path.write_text(json.dumps({"settings": {"meta": meta}, "provenance": {}}))
            learnt = tmp_path / f"learnt/busi/paper/{method}/{seed}/provenance.json"
            learnt.parent.mkdir(parents=True)
            learnt.write_text(json.dumps({"left_out_as_tested": {"brainmri": 0, "chexpert": 3}}))
            paths.append(path)
    return paths


SAID = (
    "AnomalyCLIP, tested on BUSI: learnt from BrainMRI, CheXpert, normal and abnormal images with their "
    "labels, and masks where they have any; left out as images, or nearly, of the tested set: 3 of CheXpert."
)
APART = "These figures do not compare with those of methods that saw normal images only."


def test_the_runs_say_what_they_learnt_from_and_what_was_left_out(metrics, tmp_path):
    assert labelled_lines(metrics, ["anomalyclip"], TITLES) == [SAID, APART]
    assert labelled_lines(metrics, [], TITLES) == []
    for path in (tmp_path / "learnt").rglob("provenance.json"):
        path.write_text(json.dumps({"left_out_as_tested": {"brainmri": 0, "chexpert": 0}}))
    assert labelled_lines(metrics, ["anomalyclip"], TITLES) == [f"{SAID.partition('; left')[0]}.", APART]


def _built(tmp_path, metrics, **look):
    cell = dict.fromkeys(COLUMNS) | {
        "table": "t",
        "row": 1,
        "dataset": "busi",
        "k": 4,
        "metric": "image_auroc",
    }
    cell |= {"n_seeds": 2, "std": 0.1, "status": "ok"}
    rows = [{**cell, "method": "anomalyclip", "mean": 0.6}, {**cell, "method": "clip_untrained", "mean": 0.5}]
    pd.DataFrame(rows).to_csv(tmp_path / "row.csv", index=False)
    pair = {"dataset": "busi", "k": 4, "pool": 6, "method_a": "anomalyclip", "method_b": "clip_untrained"}
    pair |= {"n_seeds": 2, "difference": 0.1, "ci_low": -0.1, "ci_high": 0.3, "p": 0.4, "p_holm": 0.4}
    pair |= {"draws_needed": 65, "draws_low": 15, "draws_high": 900}
    pd.DataFrame([pair]).to_csv(tmp_path / "pairs.csv", index=False)
    further = [{**row, "metric": "support_duplicates", "mean": 0.0} for row in rows]
    pd.DataFrame(further).to_csv(tmp_path / "further.csv", index=False)
    files = [tmp_path / f"t.{suffix}" for suffix in ("md", "html", "tex")]
    build_table(
        rows=[tmp_path / "row.csv"], title="T", titles=TITLES, layout="dataset_k", files=files,
        metrics=metrics, comparisons=tmp_path / "pairs.csv", further=tmp_path / "further.csv", **look,
    )  # fmt: skip
    return [path.read_text() for path in files]


def test_every_format_says_so_and_where_no_method_looks_at_a_support_set_none_speaks_of_draws(
    metrics, tmp_path
):
    both = ["anomalyclip", "clip_untrained"]
    for text in _built(tmp_path, metrics, labelled=["anomalyclip"], without_support=both):
        assert SAID in text
        assert APART in text
        assert "cannot be told apart" in text
        assert "support draws" not in text
        assert "support set" not in text
        assert "seeds are those of learning" in text
    markdown, page, _ = _built(tmp_path, metrics, without_support=["anomalyclip"])
    assert "it would take 65 support draws" in markdown
    assert "No test image has a near-duplicate in its support set." in page
    assert APART not in markdown


def test_the_methods_own_kinds_say_which_they_are():
    config = load_config("configs/peers.yaml")
    look = table_layout(config, "peers_labelled")
    assert look["labelled"] == ["anomalyclip"]
    assert look["without_support"] == ["clip_untrained", "anomalyclip"]
    assert {"busi", "brainmri", "chexpert"} <= look["titles"].keys()
    assert not {"labelled", "without_support"} & table_layout(config, "table6").keys()

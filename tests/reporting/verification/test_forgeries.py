"""Forgeries of several files at once, every digest above them renewed: what can be computed again tells."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from fusionmedclip.reporting.tables.inputs import read_record
from fusionmedclip.reporting.verification.run_check import check_run, images_tested
from fusionmedclip.reporting.verification.table_check import check_table
from fusionmedclip.reporting.verification.trace import trace_cell
from fusionmedclip.reporting.verification.verify import verify_results
from tests.reporting.verification.conftest import build, compute, reseal

RUN = "busi/paper/patchcore/k2/seed0"
METRICS, PROVENANCE = f"metrics/{RUN}.json", f"runs/{RUN}/provenance.json"
SCORES, SUPPORT = f"scores/{RUN}/scores.csv", "support/busi/paper/k2_seed0.csv"
SPLIT, ROW = "datasets/busi/split_paper.csv", "tables/images/row_1.csv"


def _named(results: Path, **more) -> list[tuple[str, str]]:
    return [(finding.file, finding.what) for finding in verify_results(results, **more).findings]


def _edit(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame | None]) -> None:
    table = pd.read_csv(path, dtype=object, keep_default_na=False)
    changed = change(table)
    table = table if changed is None else changed
    table.to_csv(path, index=False, lineterminator="\n")


def _rebuild(results: Path, requests: dict[str, list[dict]]) -> None:
    """Metrics and tables made again from what was forged, each record as the stages write it."""
    settings = json.loads((results / METRICS).read_text())["settings"]
    compute(results, RUN, settings)
    for table, request in requests.items():
        build(results, table, request)


def _forge_number(record: dict) -> None:
    record["metrics"]["image_auroc"] = 0.987


METRICS_EDITS = {
    "the printed figure": _forge_number,
    "another metric": lambda record: record["metrics"].update(image_ap=0.987),
    "a metric more": lambda record: record["metrics"].update(pixel_dice=0.9),
    "the threshold": lambda record: record["threshold"].update(threshold=0.1),
    "the time": lambda record: record["timing"].update(fit_s=0.01),
    "the parameters": lambda record: record["trained_parameters"].update(all=3),
    "the commit": lambda record: record["provenance"].update(commit="0" * 40),
    "a setting": lambda record: record["settings"].update(image_size=224),
    "the settings' digest": lambda record: record.update(settings_digest="0" * 64),
    "the seed": lambda record: record["settings"].update(seed=4),
    "an input less": lambda record: record["provenance"]["inputs"].popitem(),
}


@pytest.mark.parametrize("edit", METRICS_EDITS)
def test_a_forged_metrics_file_is_named(results, requests_of_small, edit: str) -> None:
    record = json.loads((results / METRICS).read_text())
    METRICS_EDITS[edit](record)
    (results / METRICS).write_text(json.dumps(record))
    wanted = next(cell["runs"][RUN] for cell in requests_of_small["images"] if RUN in cell["runs"])
    findings = check_run(results, RUN, wanted, images_tested(results, [RUN])[SPLIT])
    assert [(finding.file, finding.what) for finding in findings] == [(METRICS, "contradicted")]


def test_a_forged_figure_carried_up_to_the_printed_table_is_named(forged, results, requests_of_small) -> None:
    forged(METRICS, _forge_number)
    for table, request in requests_of_small.items():
        build(results, table, request)
    means = pd.read_csv(results / "tables/images.csv")["mean"]
    other = json.loads((results / METRICS.replace("seed0", "seed1")).read_text())["metrics"]["image_auroc"]
    assert means[0] == pytest.approx((0.987 + other) / 2)
    assert _named(results) == [(METRICS, "contradicted")]


def test_forged_scores_are_named_by_the_run_that_wrote_them(results, requests_of_small) -> None:
    _edit(results / SCORES, lambda table: table.__setitem__("score", table["label"].astype(float)))
    _rebuild(results, requests_of_small)
    assert json.loads((results / METRICS).read_text())["metrics"]["image_auroc"] == 1
    assert _named(results) == [(SCORES, "altered")]


def _swap_labels(table: pd.DataFrame) -> None:
    table["label"] = table["label"].map({"0": "1", "1": "0"})


def _drop(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[1:]


@pytest.mark.parametrize("change", [_swap_labels, _drop])
def test_another_test_set_is_named_though_every_record_agrees(results, requests_of_small, change) -> None:
    for seed in (0, 1):  # all runs of the data set, or they would contradict each other
        for method in ("patchcore", "mean_brightness_raw"):
            _edit(results / f"scores/busi/paper/{method}/k2/seed{seed}/scores.csv", change)
    reseal(results, believed=("runs",))
    for path in sorted((results / "metrics").rglob("seed*.json")):
        run = path.relative_to(results / "metrics").with_suffix("").as_posix()
        compute(results, run, json.loads(path.read_text())["settings"])
    for table, request in requests_of_small.items():
        build(results, table, request)
    named = _named(results)
    assert len(named) == 4
    assert all(name.endswith("/scores.csv") and what == "contradicted" for name, what in named)


@pytest.mark.parametrize(
    ("column", "value"),
    [("mean", "0.9"), ("std", "0.001"), ("ci_low", "0.4"), ("ci_high", "0.99"), ("n_seeds", "3"),
     ("paper_mean", "0.5"), ("paper_std", "0.1"), ("delta", "0.0"), ("status", "ok"),
     ("backbone", "ViT-L/14"), ("k", "4"), ("method", "fusionmedclip"), ("split", "grouped")],
)  # fmt: skip
def test_a_forged_column_is_named_though_the_table_has_it(results, tmp_path, column: str, value: str) -> None:
    _edit(results / ROW, lambda table: table.__setitem__(column, value))
    _edit(results / "tables/images.csv", lambda table: table.at.__setitem__((0, column), value))
    found = _of_table(results, tmp_path)
    assert f"line 2, {column}: {float(value) if value[0].isdigit() else value} is written" in found[ROW]


@pytest.mark.parametrize(
    "kind",
    [".csv", ".md", ".tex", ".html", "_comparisons.csv", "_ranks.csv", "_metrics.csv", "_verdicts.csv"],
)
def test_a_forged_format_or_statistic_is_named(results, tmp_path, kind: str) -> None:
    path = results / f"tables/images{kind}"
    text = path.read_text()
    if kind == "_verdicts.csv":  # phantoms are judged by nobody
        text += "busi" + "," * text.count(",") + "\n0"
    digit = next(at for at in reversed(range(len(text))) if text[at].isdigit())
    path.write_text(text[:digit] + ("8" if text[digit] != "8" else "7") + text[digit + 1 :])
    assert f"tables/images{kind}" in _of_table(results, tmp_path)


def _of_table(results: Path, scratch: Path) -> dict[str, str]:
    """Files that are named, and why, where all bytes are believed."""
    record = read_record(results / "tables/images.inputs.json")
    return {finding.file: finding.why for finding in check_table(results, record, [], scratch / "again")}


def test_a_forged_appendix_is_named(results) -> None:
    path = results / "tables/table_a1.csv"
    path.write_text(path.read_text().replace("200", "100"))
    reseal(results, believed=("tables",))
    assert _named(results) == [("tables/table_a1.csv", "contradicted")]


def test_a_seed_left_out_shows_by_what_it_left_behind(results, requests_of_small) -> None:
    shorter = copy.deepcopy(requests_of_small)
    for cell in shorter["images"] + shorter["pixels"]:
        cell["runs"].pop(next(run for run in cell["runs"] if run.endswith("seed1")))
    for table, request in shorter.items():
        build(results, table, request)
    named = _named(results)
    assert ("metrics/busi/paper/patchcore/k2/seed1.json", "added") in named
    assert {what for _, what in named} == {"added"}
    for name, _ in named:
        (results / name).unlink()
    assert _named(results) == []
    records = [(f"tables/{table}.inputs.json", "contradicted") for table in ("images", "pixels")]
    assert _named(results, requests=requests_of_small) == records


def test_a_stand_in_that_calls_itself_the_thesiss_is_told_by_the_configuration(
    results, requests_of_small
) -> None:
    better = copy.deepcopy(requests_of_small)
    for cell in better["images"]:
        cell["reasons"] = []
    build(results, "images", better["images"])
    assert "phantoms instead" not in (results / "tables/images.md").read_text()
    assert _named(results) == []
    assert _named(results, requests=requests_of_small) == [("tables/images.inputs.json", "contradicted")]


def test_a_table_that_is_gone_altogether_is_told_by_the_configuration(results, requests_of_small) -> None:
    for path in [*(results / "tables").glob("pixels*"), *(results / "tables/pixels").glob("*")]:
        if path.is_file():
            path.unlink()
    (results / "tables/pixels").rmdir()
    assert _named(results, requests=requests_of_small) == [("tables/pixels.inputs.json", "deleted")]


def _swap_parts(table: pd.DataFrame) -> None:
    table["part"] = table["part"].map({"test": "pool", "pool": "test", "left_out": "left_out"})


def _other_image(table: pd.DataFrame) -> None:
    table["image_id"] = table["image_id"].iloc[::-1].to_numpy()


@pytest.mark.parametrize(("name", "change"), [(SPLIT, _swap_parts), (SUPPORT, _other_image)])
def test_another_draw_is_named_though_every_record_agrees(results, name: str, change) -> None:
    _edit(results / name, change)
    reseal(results, believed=("runs", "metrics", "tables"))
    assert _named(results) == [(name, "contradicted")]


def _no_masks(record: dict) -> None:
    record["inputs"] = {n: sha for n, sha in record["inputs"].items() if not n.endswith("masks.npy")}


def _no_weights_digest(record: dict) -> None:
    record["outputs"] = {n: sha for n, sha in record["outputs"].items() if not n.endswith("examples.npz")}


def _late_epoch(record: dict) -> None:
    looks = [{"epoch": 1, "image_auroc": 0.9}, {"epoch": 2, "image_auroc": 0.5}]
    record["oracle"] = {"chosen_on": "test set", "every": 1, "epoch": 2, "looks": looks}


@pytest.mark.parametrize("change", [_no_masks, _no_weights_digest, _late_epoch])
def test_a_provenance_that_says_less_or_chose_otherwise_is_named(results, requests_of_small, change) -> None:
    record = json.loads((results / PROVENANCE).read_text())
    change(record)
    (results / PROVENANCE).write_text(json.dumps(record))
    _rebuild(results, requests_of_small)
    assert _named(results)[0] == (PROVENANCE, "contradicted")


def _with_other_settings(results: Path, **changed) -> str:
    """Provenance and metrics that agree on other settings; their digest."""
    record = json.loads((results / PROVENANCE).read_text())
    record["settings"].update(changed)
    (results / PROVENANCE).write_text(json.dumps(record))
    compute(results, RUN, record["settings"])
    return json.loads((results / METRICS).read_text())["settings_digest"]


def test_settings_other_than_the_table_asked_for_are_named(results) -> None:
    _with_other_settings(results, image_size=224)
    reseal(results, believed=("tables",))
    assert _named(results) == [(METRICS, "contradicted")]


def test_settings_of_another_run_are_named_though_the_table_asked_for_them(
    results, requests_of_small
) -> None:
    other = copy.deepcopy(requests_of_small)
    digest = _with_other_settings(results, seed=1)
    for cell in other["images"] + other["pixels"]:
        cell["runs"].update({RUN: digest} if RUN in cell["runs"] else {})
    for table, request in other.items():
        build(results, table, request)
    assert (METRICS, "contradicted") in _named(results)


def test_a_record_of_a_table_that_lists_less_is_named(forged, results) -> None:
    name = "tables/images.inputs.json"
    forged(name, lambda record: record["inputs"].pop(METRICS))
    assert _named(results) == [(name, "contradicted")]


@pytest.mark.parametrize("request_", ["x", [1], [{"runs": 3}], [{"runs": {"../../x": "y"}, "row": 1}], [{}]])
def test_a_record_of_nonsense_with_a_seal_is_named(forged, results, request_) -> None:
    name = "tables/images.inputs.json"
    forged(name, lambda record: record.update(request=request_))
    assert _named(results) == [(name, "altered")]


def test_trace_knows_which_runs_a_table_was_made_from(results) -> None:
    folder = results / "metrics/busi/paper/patchcore/k2"
    assert trace_cell(results, "images", "busi", "patchcore", 2).holds
    shutil.copy(folder / "seed0.json", folder / "seed5.json")
    found = trace_cell(results, "images", "busi", "patchcore", 2)
    assert (found.added, found.missing, len(found.runs)) == (
        ("metrics/busi/paper/patchcore/k2/seed5.json",),
        (),
        2,
    )
    assert not found.holds
    (folder / "seed1.json").unlink()
    found = trace_cell(results, "images", "busi", "patchcore", 2)
    assert (found.missing, len(found.runs)) == (("metrics/busi/paper/patchcore/k2/seed1.json",), 1)
    assert not found.holds


def test_a_run_that_says_otherwise_of_stage_1_than_its_backbone_is_named(results, requests_of_small) -> None:
    record = json.loads((results / METRICS).read_text())
    path = results / f"backbones/{record['settings']['backbone']['name']}/settings.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps({**settings, "stage1": {"pairs": {"train": 10}}}))
    wanted = next(cell["runs"][RUN] for cell in requests_of_small["images"] if RUN in cell["runs"])
    (finding,) = check_run(results, RUN, wanted, images_tested(results, [RUN])[SPLIT])
    assert (finding.file, finding.what) == (PROVENANCE, "contradicted")
    assert finding.why.startswith("from the backbone: stage1")

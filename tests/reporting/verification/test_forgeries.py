"""Forgeries of several files at once, every digest above them renewed: what can be computed again tells."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fusionmedclip.reporting.tables.appendix_formats import build_appendix
from fusionmedclip.reporting.tables.inputs import read_record
from fusionmedclip.reporting.verification.data_check import check_data
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


RECORDS = [(f"tables/{table}.inputs.json", "contradicted") for table in ("images", "pixels")]


def _reasons(request: list[dict]) -> list[list]:
    return [[cell["dataset"], cell["method"], cell["reasons"]] for cell in request]


def test_a_seed_left_out_shows_by_what_it_left_behind(results, requests_of_small, asked_of_small) -> None:
    shorter = copy.deepcopy(requests_of_small)
    for cell in shorter["images"] + shorter["pixels"]:
        cell["runs"].pop(next(run for run in cell["runs"] if run.endswith("seed1")))
    for table, request in shorter.items():
        build(results, table, request)
    named = _named(results)
    assert ("metrics/busi/paper/patchcore/k2/seed1.json", "added") in named
    assert {what for _, what in named} == {"added", "contradicted"}
    for name, what in named:
        if what == "added":
            (results / name).unlink()
    assert _named(results) == RECORDS  # whose reasons speak of two seeds
    for table, request in shorter.items():
        for cell in request:
            cell["reasons"] = [text.replace("seeds: 0, 1 ", "seeds: 0 ") for text in cell["reasons"]]
        build(results, table, request, reasons=_reasons(request))
    assert _named(results) == []
    assert _named(results, asked=asked_of_small) == RECORDS


def test_a_stand_in_that_calls_itself_the_thesiss_is_told_by_its_runs(results, requests_of_small) -> None:
    better = copy.deepcopy(requests_of_small["images"])
    for cell in better:
        cell["reasons"] = []
    build(results, "images", better, reasons=_reasons(better))
    assert "phantoms instead" not in (results / "tables/images.md").read_text()
    assert _named(results) == RECORDS[:1]


def _say_less(look: dict, _asked: dict) -> None:
    look["reasons"] = [[dataset, method, []] for dataset, method, _ in look["reasons"]]


def _rank_less(look: dict, _asked: dict) -> None:
    look["unranked"] = ["patchcore"]


def _note_more(look: dict, _asked: dict) -> None:
    look["ours"] = {"patchcore": "made up"}


def _swap_titles(look: dict, _asked: dict) -> None:
    first, second = look["titles"]["patchcore"], look["titles"]["mean_brightness_raw"]
    look["titles"] = {**look["titles"], "patchcore": second, "mean_brightness_raw": first}


def _control_more(look: dict, _asked: dict) -> None:
    look["controls"] = []


@pytest.mark.parametrize(
    ("change", "by_runs"),
    [
        (_say_less, True),
        (_rank_less, True),
        (_note_more, True),
        (_swap_titles, False),
        (_control_more, False),
    ],
)
def test_a_forged_look_is_told_by_the_runs_or_the_configuration(
    results, requests_of_small, asked_of_small, change, by_runs: bool
) -> None:
    look = copy.deepcopy(asked_of_small["images"]["layout"])
    change(look, asked_of_small)
    build(results, "images", requests_of_small["images"], **look)
    assert (RECORDS[0] in _named(results)) is by_runs
    assert RECORDS[0] in _named(results, asked=asked_of_small)
    unchecked = verify_results(results).unchecked
    assert any("titles, which methods are controls" in said for said in unchecked)
    assert not any("titles" in said for said in verify_results(results, asked=asked_of_small).unchecked)


def test_an_appendix_that_agrees_everywhere_is_told_by_the_configuration(results, asked_of_small) -> None:
    layout = copy.deepcopy(asked_of_small["table_a1"]["layout"])
    for row in layout["rows"]:
        row.update(ours=row["thesis"], note="")
    build_appendix(tables={"table_a1": layout}, folder=results / "tables")
    assert _named(results) == []
    assert any("Tables A1 to A3" in said for said in verify_results(results).unchecked)
    assert _named(results, asked=asked_of_small) == [("tables/table_a1.inputs.json", "contradicted")]


DATA = "datasets/busi/"


def _group(results: Path) -> None:
    """Two support and three test images called duplicates, and every table made again with that."""
    support = pd.read_csv(results / SUPPORT)["image_id"].tolist()
    split = pd.read_csv(results / SPLIT)
    tested = split.loc[split["part"] == "test", "image_id"].tolist()[:3]
    table = pd.read_csv(results / DATA / "duplicates.csv", keep_default_na=False)
    table.loc[table["image_id"].isin([*support, *tested]), "duplicate"] = support[0]
    table.to_csv(results / DATA / "duplicates.csv", index=False, lineterminator="\n")


def _brighter(results: Path) -> None:
    np.save(results / DATA / "images.npy", np.load(results / DATA / "images.npy") * 0.9)


def _no_lesion(results: Path) -> None:
    np.save(results / DATA / "masks.npy", np.load(results / DATA / "masks.npy") * 0)


def _no_shortcut(results: Path) -> None:
    path = results / DATA / "curation.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "shortcuts": []}))


FORGED_DATA = {
    "duplicates.csv": _group,
    "images.npy": _brighter,
    "masks.npy": _no_lesion,
    "curation.json": _no_shortcut,
}


@pytest.mark.parametrize("file", FORGED_DATA)
def test_what_the_images_do_not_give_is_named_though_every_record_agrees(
    results, requests_of_small, file: str
) -> None:
    """Every digest of it renewed, those of the runs included: only the images themselves tell."""
    FORGED_DATA[file](results)
    for table, request in requests_of_small.items():
        build(results, table, request)
    reseal(results, believed=("runs", "metrics", "tables"))
    if file == "duplicates.csv":
        assert "without them PatchCore" in (results / "tables/images.md").read_text()
    assert (DATA + file, "contradicted") in _named(results)
    shutil.rmtree(results / DATA / "phantoms")
    assert DATA + file not in {name for name, _ in _named(results)}
    assert any(said.startswith("busi: its images (not at ") for said in verify_results(results).unchecked)


def test_images_that_changed_since_are_named_by_the_manifest(results) -> None:
    path = next((results / DATA / "phantoms/normal").iterdir())
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    assert _named(results) == [(DATA + "manifest.csv", "contradicted")]
    path.write_bytes(b"no image")
    assert _named(results) == [(DATA + "manifest.csv", "contradicted")]


def test_the_same_bytes_are_duplicates_whether_or_not_the_images_are_at_hand(results) -> None:
    path = results / DATA / "manifest.csv"
    table = pd.read_csv(path, keep_default_na=False, dtype=str)
    table.loc[1, "sha256"] = table.loc[0, "sha256"]
    table.to_csv(path, index=False, lineterminator="\n")
    settings = {"busi": {"image_size": 64, "images": {}}}
    findings, unchecked = check_data(results, {}, settings, [], results / "scratch")
    assert [(f.file, f.what) for f in findings] == [(DATA + "duplicates.csv", "contradicted")]
    assert "the same bytes in no group" in findings[0].why
    assert len(unchecked) == 1


def test_a_table_that_is_gone_altogether_is_told_by_the_configuration(results, asked_of_small) -> None:
    for path in [*(results / "tables").glob("pixels*"), *(results / "tables/pixels").glob("*")]:
        if path.is_file():
            path.unlink()
    (results / "tables/pixels").rmdir()
    assert _named(results, asked=asked_of_small) == [("tables/pixels.inputs.json", "deleted")]


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

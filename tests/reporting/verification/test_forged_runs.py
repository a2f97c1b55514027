"""Forgeries of a run, every digest above it renewed: what can be computed again tells."""

import copy
import json
from pathlib import Path

import pandas as pd
import pytest

from fusionmedclip.pipeline.datasets import sample_support, split_dataset
from fusionmedclip.reporting.verification.run_check import check_run, images_tested
from fusionmedclip.reporting.verification.run_files import RunFiles
from fusionmedclip.reporting.verification.split_check import check_draws
from tests.reporting.verification.conftest import build, compute, reseal
from tests.reporting.verification.forging import (
    METRICS,
    PROVENANCE,
    RUN,
    SCORES,
    SPLIT,
    SUPPORT,
    edit,
    named,
    rebuild,
)


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
    "no settings": lambda record: record.pop("settings"),
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
    assert named(results) == [(METRICS, "contradicted")]


def test_forged_scores_are_named_by_the_run_that_wrote_them(results, requests_of_small) -> None:
    edit(results / SCORES, lambda table: table.__setitem__("score", table["label"].astype(float)))
    rebuild(results, requests_of_small)
    assert json.loads((results / METRICS).read_text())["metrics"]["image_auroc"] == 1
    assert named(results) == [(SCORES, "altered")]


def _swap_labels(table: pd.DataFrame) -> None:
    table["label"] = table["label"].map({"0": "1", "1": "0"})


def _drop(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[1:]


@pytest.mark.parametrize("change", [_swap_labels, _drop])
def test_another_test_set_is_named_though_every_record_agrees(results, requests_of_small, change) -> None:
    for seed in (0, 1):  # all runs of the data set, or they would contradict each other
        for method in ("patchcore", "mean_brightness_raw"):
            edit(results / f"scores/busi/paper/{method}/k2/seed{seed}/scores.csv", change)
    reseal(results, believed=("runs",))
    for path in sorted((results / "metrics").rglob("seed*.json")):
        run = path.relative_to(results / "metrics").with_suffix("").as_posix()
        compute(results, run, json.loads(path.read_text())["settings"])
    for table, request in requests_of_small.items():
        build(results, table, request)
    found = named(results)
    assert len(found) == 4
    assert all(name.endswith("/scores.csv") and what == "contradicted" for name, what in found)


def test_an_image_may_be_called_na(results) -> None:
    """Which pandas takes for a missing value unless told otherwise."""
    split = pd.read_csv(results / SPLIT, dtype=str)
    first = split.loc[split["part"] == "test", "image_id"].iloc[0]
    before = images_tested(results, [RUN])[SPLIT]
    for name in (SPLIT, "datasets/busi/manifest.csv"):
        edit(results / name, lambda table: table.replace({"image_id": {first: "NA"}}))
    after = [("NA" if image == first else image, label) for image, label in before]
    assert images_tested(results, [RUN])[SPLIT] == after


def _swap_parts(table: pd.DataFrame) -> None:
    table["part"] = table["part"].map({"test": "pool", "pool": "test", "left_out": "left_out"})


def _other_image(table: pd.DataFrame) -> None:
    table["image_id"] = table["image_id"].iloc[::-1].to_numpy()


@pytest.mark.parametrize(("name", "change"), [(SPLIT, _swap_parts), (SUPPORT, _other_image)])
def test_another_draw_is_named_though_every_record_agrees(results, name: str, change) -> None:
    edit(results / name, change)
    reseal(results, believed=("runs", "metrics", "tables"))
    assert named(results) == [(name, "contradicted")]


def test_a_grouped_split_is_drawn_again_with_its_groups(results, tmp_path) -> None:
    settings = {**json.loads((results / METRICS).read_text())["settings"], "split": "grouped"}
    run, split, support = (name.replace("paper", "grouped") for name in (RUN, SPLIT, SUPPORT))
    manifest, duplicates = (str(results / f"datasets/busi/{name}.csv") for name in ("manifest", "duplicates"))
    draw = {"name": "grouped", "test": settings["test"], "seed": settings["split_seed"]}
    split_dataset(manifest=manifest, duplicates=duplicates, **draw, out=str(results / split))
    draw = {key: settings[key] for key in ("k", "seed", "dataset", "supports")}
    sample_support(split=str(results / split), **draw, out=str(results / support))
    assert check_draws(results, {run: settings}, [], tmp_path) == []
    parts = pd.read_csv(results / split).drop_duplicates("part")["image_id"]  # one of each part
    edit(
        Path(duplicates),
        lambda t: t.assign(duplicate=t["duplicate"].mask(t["image_id"].isin(parts), parts.iloc[0])),
    )
    assert [finding.file for finding in check_draws(results, {run: settings}, [], tmp_path)] == [split]


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
    rebuild(results, requests_of_small)
    assert named(results)[0] == (PROVENANCE, "contradicted")


def test_of_four_files_that_are_not_named_three_are_and_one_is_counted(results, requests_of_small) -> None:
    record = json.loads((results / PROVENANCE).read_text())
    wanted = next(cell["runs"][RUN] for cell in requests_of_small["images"] if RUN in cell["runs"])
    lost = sorted(RunFiles(RUN).read(record["settings"]))[:4]
    record["inputs"] = {n: sha for n, sha in record["inputs"].items() if not n.endswith(tuple(lost))}
    (results / PROVENANCE).write_text(json.dumps(record))
    (finding,) = check_run(results, RUN, wanted, images_tested(results, [RUN])[SPLIT])
    said = f"its inputs lack, or should not have: {', '.join(lost[:3])} and 1 more"
    assert (finding.file, finding.why) == (PROVENANCE, said)


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
    assert named(results) == [(METRICS, "contradicted")]


def test_settings_of_another_run_are_named_though_the_table_asked_for_them(
    results, requests_of_small
) -> None:
    other = copy.deepcopy(requests_of_small)
    digest = _with_other_settings(results, seed=1)
    for cell in other["images"] + other["pixels"]:
        cell["runs"].update({RUN: digest} if RUN in cell["runs"] else {})
    for table, request in other.items():
        build(results, table, request)
    assert (METRICS, "contradicted") in named(results)


def test_a_run_that_says_otherwise_of_stage_1_than_its_backbone_is_named(results, requests_of_small) -> None:
    record = json.loads((results / METRICS).read_text())
    path = results / f"backbones/{record['settings']['backbone']['name']}/settings.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps({**settings, "stage1": {"pairs": {"train": 10}}}))
    wanted = next(cell["runs"][RUN] for cell in requests_of_small["images"] if RUN in cell["runs"])
    (finding,) = check_run(results, RUN, wanted, images_tested(results, [RUN])[SPLIT])
    assert (finding.file, finding.what) == (PROVENANCE, "contradicted")
    assert finding.why.startswith("from the backbone: stage1")

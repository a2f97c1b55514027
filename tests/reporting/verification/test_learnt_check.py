"""What was learnt from other data sets for a run: by its settings, of its files, not of its tested set."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionmedclip.reporting.verification.learnt_check import check_learnt
from fusionmedclip.reporting.verification.run_files import RunFiles
from fusionmedclip.reporting.verification.split_check import check_draws
from tests.reporting.verification.forging import RUN

PLACE = "learnt/a/paper/peer/seed0/"
BACKBONE = {"name": "clip", "make": {"kind": "open_clip"}}
WRITTEN = ("weights.safetensors", "training_log.csv")
OWN = ("source", "test", "supports", "k", "examples")
"""Settings of a run that what it learns from others does not depend on."""


def run_of(kind: str) -> dict:
    """The record of a run on ``a`` whose method learnt from ``b``; a file's digest is its name."""
    masks = ["datasets/b/masks.npy"] if kind == "anomalyclip" else []
    read = ["backbones/clip/settings.json", "backbones/clip/model.safetensors"]
    read += ["backbones/clip/open_clip_config.json", "datasets/a/manifest.csv", "datasets/a/images.npy"]
    read += ["datasets/b/manifest.csv", "datasets/b/images.npy", "datasets/b/split_paper.csv", *masks]
    read += [f"{PLACE}{name}" for name in (*WRITTEN, "provenance.json")]
    settings = {"method": {"name": "peer", "kind": kind, "settings": {}}, "backbone": BACKBONE, "seed": 0,
                "dataset": "a", "split": "paper", "meta": {"b": {"source": {}, "test": {}}},
                **dict.fromkeys(OWN, 1)}  # fmt: skip
    return {"settings": settings, "inputs": {f"/then/{name}": name for name in read}}


def learnt_of(run: dict) -> dict:
    """The record of what it learnt."""
    kind = run["settings"]["method"]["kind"]
    unread = ("learnt/",) if kind == "anomalyclip" else ("learnt/", "datasets/a/")
    return {
        "settings": {key: value for key, value in run["settings"].items() if key not in OWN},
        "inputs": {name: sha for name, sha in run["inputs"].items() if not sha.startswith(unread)},
        "outputs": {f"/then/{PLACE}{name}": f"{PLACE}{name}" for name in WRITTEN},
        "left_out_as_tested": {"b": 2},
    }  # fmt: skip


def found(results: Path, kind: str, change: Callable[[dict], object] = dict) -> list[tuple[str, str]]:
    run = run_of(kind)
    record = learnt_of(run)
    change(record)
    place = results / PLACE / "provenance.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(record))
    findings = check_learnt(results, run, RunFiles("a/paper/peer/k4/seed0"))
    return [(finding.file, finding.why) for finding in findings]


@pytest.mark.parametrize("kind", ["anomalyclip", "regad"])
def test_what_a_run_learnt_from_its_other_data_sets_holds(tmp_path: Path, kind: str) -> None:
    assert found(tmp_path, kind) == []


def _of_the_tested_set(record: dict) -> None:
    for name in [name for name in record["inputs"] if "/datasets/b/" in name]:
        record["inputs"][name.replace("/b/", "/a/")] = record["inputs"].pop(name)


FORGED = {
    "another data set": (lambda record: record["settings"].update(dataset="b"), "dataset: b is written, a"),
    "another seed": (lambda record: record["settings"].update(seed=1), "seed: 1 is written, 0"),
    "the tested set": (_of_the_tested_set, "have: datasets/a/masks.npy, datasets/a/split_paper.csv, "
                       "datasets/b/images.npy\n"),
    "another image file": (lambda record: record["inputs"].update({"/then/datasets/b/images.npy": "f" * 64}),
                           "datasets/b/images.npy is not the one"),
    "other weights": (lambda record: record["outputs"].update({f"/then/{PLACE}{WRITTEN[0]}": "f" * 64}),
                      "weights.safetensors is not the one"),
    "an output less": (lambda record: record["outputs"].popitem(), "its outputs are"),
    "another count": (lambda record: record.update(left_out_as_tested={"a": 2}), "left out are counted"),
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_record_of_it_is_named(tmp_path: Path, forgery: str) -> None:
    change, why = FORGED[forgery]
    told = found(tmp_path, "anomalyclip", change)
    assert {file for file, _ in told} == {f"{PLACE}provenance.json"}
    assert any(why in f"{said}\n" for _, said in told), told


def test_splits_of_data_sets_that_are_learnt_from_are_drawn_again(results: Path, tmp_path: Path) -> None:
    settings = json.loads((results / f"metrics/{RUN}.json").read_text())["settings"]
    (results / "datasets/other").mkdir()
    for file in ("manifest.csv", "split_paper.csv"):
        (results / "datasets/other" / file).write_bytes((results / "datasets/busi" / file).read_bytes())
    settings["meta"] = {"other": {key: settings[key] for key in ("source", "test")}}
    assert check_draws(results, {RUN: settings}, (), tmp_path) == []
    split = results / "datasets/other/split_paper.csv"
    split.write_text(split.read_text().replace("pool", "test", 1))
    assert [one.file for one in check_draws(results, {RUN: settings}, (), tmp_path)] == [
        "datasets/other/split_paper.csv"
    ]

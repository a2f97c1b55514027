"""Test images that resemble a support image: counted, left out, and said below the table."""

import numpy as np
import pandas as pd
import pytest

from fusionmedclip.pipeline.datasets import curate_dataset, list_dataset
from fusionmedclip.reporting.comparisons.duplicate_text import duplicate_lines
from fusionmedclip.reporting.comparisons.statistics import METRIC_COLUMNS, build_statistics
from fusionmedclip.reporting.comparisons.tested_images import Images, duplicates_of, images_of
from fusionmedclip.reporting.finished import Scored

HEAD = ("image_id", "file", "sha256", "label", "class", "mask", "split", "group")


@pytest.fixture
def files(tmp_path):
    """Pool p0 to p3, tested normals t0 to t3 and abnormals a0 to a3; of p0 there are copies t0 and t1 and,
    by a chain, a0; p2 and t2 are one patient. Supports: seed 0 has p0 and p1, seed 1 has p2 and p3."""
    names = [f"{part}{number}" for part in "pta" for number in range(4)]
    folder = tmp_path / "datasets" / "busi"
    folder.mkdir(parents=True)
    manifest = pd.DataFrame({name: [""] * 12 for name in HEAD})
    manifest["image_id"], manifest["file"], manifest["sha256"] = names, names, names
    manifest["label"] = [0] * 8 + [1] * 4
    manifest["group"] = ["patient" if name in ("p2", "t2") else "" for name in names]
    manifest.to_csv(folder / "manifest.csv", index=False)
    like = ["p0" if name in ("p0", "t0", "t1", "a0") else "" for name in names]
    pd.DataFrame({"image_id": names, "duplicate": like}).to_csv(folder / "duplicates.csv", index=False)
    part = ["pool"] * 4 + ["test"] * 8
    split = pd.DataFrame({"image_id": names, "part": part, "reason": ""})
    split.to_csv(folder / "split_paper.csv", index=False)
    supports = tmp_path / "support" / "busi" / "paper"
    supports.mkdir(parents=True)
    for seed, drawn in enumerate((["p0", "p1"], ["p2", "p3"])):
        pd.DataFrame({"image_id": drawn}).to_csv(supports / f"k2_seed{seed}.csv", index=False)
    return {
        "manifests": [folder / "manifest.csv"],
        "splits": [folder / "split_paper.csv"],
        "supports": sorted(supports.iterdir()),
        "duplicates": [folder / "duplicates.csv"],
    }


def test_images_of_a_data_set_are_counted_and_those_like_a_support_image_named(files):
    found = images_of(**files)["busi"]
    assert (found.normal, found.abnormal, found.pool) == (8, 4, 4)
    assert found.like_support == {(2, 0): {"t0", "t1", "a0"}, (2, 1): {"t2"}}
    grouped = images_of(**{**files, "duplicates": []})["busi"]
    assert (grouped.pool, grouped.like_support) == (4, {})


SCORED = Scored(
    images=("a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3"),
    labels=np.array([1, 1, 1, 1, 0, 0, 0, 0]),
    scores=np.array([[0.9, 0.2, 0.6, 0.7, 0.1, 0.1, 0.3, 0.5], [0.9, 0.2, 0.6, 0.7, 0.1, 0.1, 0.8, 0.5]]),
)


def test_auroc_without_them_by_hand(files):
    images = images_of(**files)["busi"]
    found = duplicates_of(images, SCORED, k=2, seeds=[0, 1])
    assert found.counts == [3, 1]
    # Seed 0: 0.2, 0.6, 0.7 against 0.3, 0.5 win 4 of 6 pairs; seed 1: all but one of 12, 0.2 against 0.5.
    assert found.aurocs == pytest.approx([4 / 6, 11 / 12])
    assert duplicates_of(images, SCORED, k=2, seeds=[0, 7]) is None
    every = Images(normal=4, abnormal=4, pool=4, like_support={(2, 0): frozenset(SCORED.images[4:])})
    one = Scored(images=SCORED.images, labels=SCORED.labels, scores=SCORED.scores[:1])
    assert duplicates_of(every, one, k=2, seeds=[0]).aurocs == []


def _run(folder, run, scores):
    import json

    (folder / "scores" / run).mkdir(parents=True)
    table = pd.DataFrame({"image_id": SCORED.images, "label": SCORED.labels, "score": scores})
    table.to_csv(folder / "scores" / run / "scores.csv", index=False)
    path = folder / "metrics" / f"{run}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"settings_digest": "d", "metrics": {"image_auroc": 0.5}}))


def test_the_metrics_of_a_table_hold_both_and_comparisons_the_pool(tmp_path, files):
    runs = {m: [f"busi/paper/{m}/k2/seed{seed}" for seed in (0, 1)] for m in ("one", "two")}
    for method, paths in runs.items():
        for path, scores in zip(paths, SCORED.scores, strict=True):
            _run(tmp_path, path, scores if method == "one" else scores[::-1])
    request = [
        {"table": "t", "row": 1, "dataset": "busi", "method": m, "k": 2, "metric": "image_auroc",
         "split": "paper", "backbone": "b", "reasons": [], "runs": dict.fromkeys(paths, "d")}
        for m, paths in runs.items()
    ]  # fmt: skip
    out = {name: tmp_path / f"{name}.csv" for name in ("comparisons", "ranks", "metrics", "verdicts")}
    build_statistics(request=request, results=tmp_path, **files, **out)
    table = pd.read_csv(out["metrics"])
    assert list(table.columns) == list(METRIC_COLUMNS)
    one = table[table["method"] == "one"].set_index("metric")
    assert one.at["image_auroc_without_duplicates", "mean"] == pytest.approx((4 / 6 + 11 / 12) / 2)
    assert one.at["support_duplicates", "mean"] == 2
    assert "near-duplicate" in one.at["support_duplicates", "note"]
    assert list(pd.read_csv(out["comparisons"])["pool"]) == [4]
    build_statistics(request=request, results=tmp_path, **{**files, "duplicates": []}, **out)
    assert not pd.read_csv(out["metrics"])["metric"].str.contains("duplicate").any()


def _further(*lines):
    return pd.DataFrame(lines, columns=["metric", "dataset", "k", "method", "mean"])


def test_one_line_for_each_data_set_and_k():
    lines = [("image_auroc", "d", k, m, 0.9) for k in (4, 8) for m in ("a", "b")]
    lines += [("support_duplicates", "d", k, m, count) for k, count in ((4, 0), (8, 2.5)) for m in ("a", "b")]
    lines += [("image_auroc_without_duplicates", "d", 8, m, v) for m, v in (("a", 0.894), ("b", 0.91))]
    assert duplicate_lines(_further(*lines), {"d": "D", "a": "A"}) == [
        "D, k = 4: 0.0 test images.",
        "D, k = 8: 2.5 test images; without them A 89.4 (-0.6), b 91.0 (+1.0).",
    ]
    none = [("support_duplicates", "d", 4, "a", 0.0)]
    assert duplicate_lines(_further(*none), {}) == ["No test image has a near-duplicate in its support set."]
    assert duplicate_lines(_further(("image_auroc", "d", 4, "a", 0.5)), {}) == []


def test_brainmri_40_is_41_and_49_is_no_1(tmp_path, real_data):
    folder = tmp_path / "datasets" / "brainmri"
    folder.mkdir(parents=True)
    manifest = folder / "manifest.csv"
    source = {"kind": "folder", "path": str(real_data / "brainmri"), "normal": ["no"], "abnormal": ["yes"]}
    list_dataset(dataset="brainmri", source=source, manifest=manifest)
    out = {"curation": folder / "curation.json", "duplicates": folder / "duplicates.csv"}
    curate_dataset(dataset="brainmri", source=source, manifest=manifest, **out)
    table = pd.read_csv(manifest)
    names = {
        name: table.loc[table["file"].str.startswith(f"no/{name}"), "image_id"].item()
        for name in ("40 no", "41 no", "49 no", "no 1.")
    }
    table["part"] = [
        "pool" if image in (names["40 no"], names["49 no"]) else "test" for image in table["image_id"]
    ]
    table[["image_id", "part"]].to_csv(folder / "split_paper.csv", index=False)
    support = tmp_path / "support" / "brainmri" / "paper" / "k2_seed0.csv"
    support.parent.mkdir(parents=True)
    pd.DataFrame({"image_id": [names["40 no"], names["49 no"]]}).to_csv(support, index=False)
    found = images_of(
        manifests=[manifest],
        splits=[folder / "split_paper.csv"],
        supports=[support],
        duplicates=[out["duplicates"]],
    )["brainmri"]
    assert (found.normal, found.abnormal, found.pool) == (98, 155, 2)
    assert {names["41 no"], names["no 1."]} <= found.like_support[2, 0]

"""Forgeries of what is known of images, every digest above it renewed: the images tell."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fusionmedclip.reporting.verification.data_check import check_data, sources_in
from fusionmedclip.reporting.verification.verify import verify_results
from tests.reporting.verification.conftest import build, reseal
from tests.reporting.verification.forging import METRICS, SPLIT, SUPPORT, named

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
    assert (DATA + file, "contradicted") in named(results)
    shutil.rmtree(results / DATA / "phantoms")
    assert DATA + file not in {name for name, _ in named(results)}
    assert any(said.startswith("busi: its images (not at ") for said in verify_results(results).unchecked)


def test_images_that_changed_since_are_named_by_the_manifest(results) -> None:
    path = next((results / DATA / "phantoms/normal").iterdir())
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    assert named(results) == [(DATA + "manifest.csv", "contradicted")]
    path.write_bytes(b"no image")
    assert named(results) == [(DATA + "manifest.csv", "contradicted")]


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
    both = pd.read_csv(results / DATA / "duplicates.csv", keep_default_na=False, dtype=str)
    both.loc[:1, "duplicate"] = both.loc[0, "image_id"]
    for marked, why in (
        (both, ""),
        (both[::-1], "it does not list the images of the manifest"),
        (both.iloc[:-1], "it does not list the images of the manifest"),
        (both.rename(columns={"duplicate": "copy"}), "it does not list the images of the manifest"),
    ):
        marked.to_csv(results / DATA / "duplicates.csv", index=False, lineterminator="\n")
        findings, _ = check_data(results, {}, settings, [], results / "scratch")
        assert [finding.why for finding in findings] == ([why] if why else [])


@pytest.mark.parametrize(("by", "found"), [(1e-7, []), (1e-5, ["the images give other pixels"])])
def test_pixels_may_differ_in_their_last_digits_alone(results, by, found) -> None:
    path = results / DATA / "images.npy"
    np.save(path, np.load(path) + np.float32(by))
    settings = json.loads((results / METRICS).read_text())["settings"]
    sources = sources_in(results, [settings])
    findings, unchecked = check_data(results, sources, {"busi": settings}, [], results / "scratch")
    assert [finding.why for finding in findings] == found
    assert unchecked == []

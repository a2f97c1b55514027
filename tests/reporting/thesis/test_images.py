"""Whose images and captions these are: by shipped checksums, by counts, or said not to be known."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from fusionmedclip.data.acquisition.checksums import shipped_checksums
from fusionmedclip.data.sources.manifest import COLUMNS, build_manifest, write_manifest
from fusionmedclip.reporting.finished import status_of
from fusionmedclip.reporting.tables.build import build_table
from fusionmedclip.reporting.tables.row import COLUMNS as ROW_COLUMNS
from fusionmedclip.reporting.thesis.images import (
    caption_notes,
    caption_reasons,
    image_notes,
    image_reasons,
)
from fusionmedclip.reporting.thesis.protocol import protocol

ABNORMAL = {"yes", "benign", "malignant"}


def _public(dataset: str) -> list[dict]:
    """Lines of a manifest of the public set; masks are no images."""
    return [
        {"image_id": path, "file": path, "sha256": sha, "label": int(path.split("/")[0] in ABNORMAL)}
        for path, sha in shipped_checksums(dataset).items()
        if "_mask" not in path
    ]


def _write(folder: Path, dataset: str, lines: list[dict]) -> Path:
    path = folder / dataset / "manifest.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    return path


@pytest.mark.parametrize(("dataset", "images"), [("brainmri", 253), ("busi", 780)])
def test_the_public_set_is_known_by_its_bytes(tmp_path, dataset, images):
    lines = _public(dataset)
    assert len(lines) == images
    path = _write(tmp_path, dataset, lines)
    assert image_reasons(dataset, [tmp_path / "other" / "manifest.csv", path]) == []
    assert image_notes(dataset, [path], title="Set") == []
    assert status_of({"dataset": dataset, "reasons": []}, [path]) == "ok"
    assert status_of({"dataset": dataset, "reasons": ["seeds"]}, [path]) == "stand-in"


def _another(lines: list[dict]) -> None:
    lines[0]["sha256"] = "0" * 64


def _every(lines: list[dict]) -> None:
    for number, line in enumerate(lines):
        line["sha256"] = f"{number:064x}"


def _swapped(lines: list[dict]) -> None:
    ill, well = (next(line for line in lines if line["label"] == label) for label in (1, 0))
    ill["sha256"], well["sha256"] = well["sha256"], ill["sha256"]


def _twice(lines: list[dict]) -> None:
    first, second = [line for line in lines if line["file"] in ("yes/Y1.jpg", "yes/Y2.jpg")]
    second["sha256"] = first["sha256"]


@pytest.mark.parametrize(("change", "count"), [(_another, 1), (_every, 253), (_swapped, 2), (_twice, 1)])
def test_as_many_other_images_are_not_the_set(tmp_path, change, count):
    lines = _public("brainmri")
    change(lines)
    path = _write(tmp_path, "brainmri", lines)
    assert image_reasons("brainmri", [path]) == [f"images: {count} of 253 are not the public set's"]
    assert status_of({"dataset": "brainmri", "reasons": []}, [path]) == "stand-in"


def test_a_number_that_is_not_the_set_s_is_said_first(tmp_path):
    lines = _public("brainmri")
    normal = [line for line in lines if not line["label"]]
    path = _write(tmp_path / "a", "brainmri", [line for line in lines if line is not normal[0]])
    assert image_reasons("brainmri", [path]) == []  # as MediCLIP lists it, 32 + 65
    path = _write(tmp_path / "b", "brainmri", [line for line in lines if line not in normal[:2]])
    said = ["images: 96 normal and 155 abnormal instead of 98 and 155 or 97 and 155"]
    assert image_reasons("brainmri", [path]) == said
    path = _write(tmp_path, "mine", lines[:3])
    assert image_reasons("mine", [path]) == image_notes("mine", [path], title="") == []


def _with_lists(lines: list[dict], support: int = 32) -> list[dict]:
    normal = [line for line in lines if not line["label"]]
    for number, line in enumerate(normal):
        line["split"] = "support" if number < support else "test" if number < 97 else "not listed"
    for line in lines:
        line.setdefault("split", "test")
    return lines


def test_published_lists_are_known_by_their_numbers_and_the_note_says_so(tmp_path):
    path = _write(tmp_path / "a", "brainmri", _with_lists(_public("brainmri")))
    assert image_reasons("brainmri", [path]) == []
    (note,) = image_notes("brainmri", [path], title="BrainMRI")
    assert note.startswith("BrainMRI: the images of published lists. Of MediCLIP's no checksum is known")
    assert "253 of 253 are the public set's to the byte" in note
    other = _with_lists(_public("brainmri"))
    _every(other)
    path = _write(tmp_path / "b", "brainmri", other)
    assert image_reasons("brainmri", [path]) == []
    assert "0 of 253 are the public set's" in image_notes("brainmri", [path], title="BrainMRI")[0]


def test_lists_of_other_numbers_are_not_mediclip_s(tmp_path):
    path = _write(tmp_path, "brainmri", _with_lists(_public("brainmri"), support=31))
    said = "lists: 31 support, 66 normal and 155 abnormal test images instead of 32 support, 65 normal"
    assert image_reasons("brainmri", [path])[0].startswith(said)
    lines = [{"image_id": f"{n}", "label": n % 2, "split": "test"} for n in range(40)]
    (said,) = image_reasons("chexpert", [_write(tmp_path, "chexpert", lines)])
    assert said.startswith("lists: 0 support, 20 normal and 20 abnormal test images instead of")


def test_of_chexpert_the_note_says_that_the_images_are_not_known(tmp_path):
    path = _write(tmp_path, "chexpert", [{"image_id": "a", "label": 0}])
    assert image_reasons("chexpert", [path]) == []
    (note,) = image_notes("chexpert", [path], title="CheXpert")
    assert note.startswith("CheXpert: the thesis does not say which images it drew")


def _record(pairs: dict | None, kind: str = "roco") -> dict:
    backbone = {"stage1": {"captions": "roco"}, "captions": {"kind": kind, "path": "roco"}}
    stage1 = {} if pairs is None else {"stage1": {"pairs": pairs}}
    return {"settings": {"backbone": backbone}, **stage1}


def test_captions_are_counted():
    whole = _record({"train": 65_422, "validation": 8_174, "test": 8_176})
    assert caption_reasons(whole) == []
    (note,) = caption_notes(whole)
    assert "81,772 of the 81,825 published" in note
    assert caption_reasons(_record({"train": 10})) == ["captions: 10 pairs instead of 81,825"]
    assert caption_reasons(_record({"train": 81_826})) == ["captions: 81,826 pairs instead of 81,825"]
    assert caption_reasons(_record(None)) == ["captions: 0 pairs instead of 81,825"]
    for other in (_record({"train": 10}, kind="csv"), {"settings": {"backbone": None}}, {}):
        assert caption_reasons(other) == caption_notes(other) == []
    cell = {"dataset": "busi", "reasons": []}
    assert status_of(cell, [], [whole]) == "ok"
    assert status_of(cell, [], [whole, _record({"train": 10})]) == "stand-in"


@pytest.fixture
def printed(tmp_path):
    """A table of one cell of CheXpert, as Markdown."""

    def table(*, pairs: int, status: str) -> str:
        manifest = _write(tmp_path / "datasets", "chexpert", [{"image_id": "a", "label": 0}])
        metrics = tmp_path / "metrics/chexpert/paper/coop/k4/seed0.json"
        metrics.parent.mkdir(parents=True, exist_ok=True)
        metrics.write_text(json.dumps(_record({"train": pairs})))
        cell = {
            **dict.fromkeys(ROW_COLUMNS), "table": "t", "row": 1, "dataset": "chexpert", "method": "coop",
            "k": 4, "metric": "image_auroc", "mean": 0.5, "n_seeds": 1, "status": status,
        }  # fmt: skip
        pd.DataFrame([cell]).to_csv(tmp_path / "row.csv", index=False)
        build_table(
            rows=[tmp_path / "row.csv"], title="T", titles={}, layout="dataset_k", manifests=[manifest],
            metrics=[metrics], files=[tmp_path / "t.csv", tmp_path / "t.md"],
        )  # fmt: skip
        return (tmp_path / "t.md").read_text()

    return table


def test_below_the_table_stands_what_differs_and_what_is_not_known(printed):
    text = printed(pairs=80_000, status="ok")
    assert "What is not known of the data:\n\n- chexpert: the thesis does not say which images" in text
    assert "- ROCO is known by the number of its pairs alone: 80,000 of the 81,825 published" in text
    text = printed(pairs=10, status="stand-in")
    assert "captions: 10 pairs instead of 81,825" in text
    assert "What is not known" not in text


def test_the_set_on_disk_is_the_thesis_s(tmp_path, real_data):
    source = {**protocol().dataset("brainmri")["source"], "path": str(real_data / "brainmri")}
    path = tmp_path / "brainmri" / "manifest.csv"
    path.parent.mkdir()
    write_manifest(build_manifest(source, dataset="brainmri"), path)
    assert image_reasons("brainmri", [path]) == []

"""Findings on data sets with planted faults, and the known facts of the real ones."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from fusionmedclip.data.curation.check import check_dataset
from fusionmedclip.data.curation.curate import curate, read_curation, write_curation
from fusionmedclip.data.curation.findings import KINDS
from fusionmedclip.data.curation.shortcuts import measure_shortcuts
from fusionmedclip.data.curation.statistics import CATEGORIES, PROPERTIES, image_statistics
from fusionmedclip.data.sources.manifest import build_manifest, source_root
from fusionmedclip.data.splits import make_split
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator


def _curate(source: dict):
    manifest = build_manifest(source, dataset="toy")
    return curate(manifest, source_root(source), dataset="toy")


def _kinds(source: dict) -> dict[str, list[tuple[str, ...]]]:
    curation, _ = _curate(source)
    return {kind: [f.images for f in curation.of_kind(kind)] for kind in KINDS if curation.of_kind(kind)}


def test_a_clean_set_has_no_findings(source: dict) -> None:
    assert _kinds(source) == {}


def test_every_planted_fault_is_found(source: dict, folder: Path, picture) -> None:
    copy = (folder / "normal" / "normal_0.png").read_bytes()
    (folder / "abnormal" / "copy.png").write_bytes(copy)  # one image in two classes
    (folder / "normal" / "normal_1b.png").write_bytes((folder / "normal" / "normal_1.png").read_bytes())
    Image.open(folder / "normal" / "normal_2.png").save(folder / "normal" / "normal_2b.jpg", quality=90)
    Image.new("L", (48, 40), 90).save(folder / "normal" / "flat.png")
    Image.fromarray(picture(50).astype(np.uint16) * 16).save(folder / "normal" / "twelve.png")
    Image.fromarray(picture(51)).save(folder / "normal" / "named.jpg", format="PNG")
    masks = folder / "masks"
    Image.fromarray(np.ones((40, 48), np.uint8)).save(masks / "abnormal_6.png")  # labels 0 and 1
    Image.new("L", (48, 40), 0).save(masks / "abnormal_7.png")
    Image.new("L", (48, 40), 255).save(masks / "abnormal_8.png")
    Image.open(masks / "abnormal_9.png").save(masks / "normal_3.png")
    kinds = _kinds(source)
    assert kinds == {
        "label_conflict": [("abnormal/copy.png", "normal/normal_0.png")],
        "exact_duplicates": [("normal/normal_1.png", "normal/normal_1b.png")],
        "near_duplicates": [("normal/normal_2.png", "normal/normal_2b.jpg")],
        "normal_with_lesion": [("normal/normal_3.png",)],
        "empty_mask": [("abnormal/abnormal_7.png",)],
        "mask_levels": [("abnormal/abnormal_6.png",)],
        "full_mask": [("abnormal/abnormal_8.png",)],
        "masks_missing": [("abnormal/copy.png",)],
        "constant_image": [("normal/flat.png",)],
        "dim_image": [("normal/twelve.png",)],
        "format_mismatch": [("normal/named.jpg",)],
    }


def test_burnt_in_annotation(tmp_path: Path, write_dicom, picture) -> None:
    for n in range(3):
        write_dicom(tmp_path / "no" / f"{n}.dcm", picture(n), BurnedInAnnotation="YES" if n == 1 else "NO")
    assert _kinds({"kind": "folder", "path": tmp_path, "normal": "no"}) == {"burned_in": [("no/1.dcm",)]}


def test_slices_taken_for_pictures(tmp_path: Path, write_dicom, picture) -> None:
    for n in range(6):
        write_dicom(tmp_path / "no" / "p1" / f"{n}.dcm", picture(n))
        write_dicom(tmp_path / "no" / f"p{n + 2}" / "0.dcm", picture(n + 10))
    source = {"kind": "folder", "path": tmp_path, "normal": "no"}
    assert _kinds(source) == {"loose_slices": [tuple(f"no/p1/{n}.dcm" for n in range(6))]}
    assert _kinds({**source, "group_pattern": r"p\d+"}) == {}


def test_a_series_of_which_every_second_slice_may_be_missing(tmp_path: Path, write_dicom, picture) -> None:
    for step in (1, 2):
        for n in range(3):
            where = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, 3 * n]}
            pixels, number = picture(10 * step + n), 1 + step * n
            write_dicom(tmp_path / f"no/ct{step}/{n}.dcm", pixels, InstanceNumber=number, **where)
    source = {"kind": "folder", "path": tmp_path, "normal": "no", "series": True, "slices": "all"}
    found = check_dataset(source)
    assert found.curation is not None
    (one,) = found.curation.of_kind("odd_series")
    assert (
        one.message == "no/ct2: instance numbers go up by 2 from slice to slice: are those between missing?"
    )
    assert one.images == tuple(f"no/ct2#slice=000{n}" for n in range(3))
    assert one.message in found.text()


def test_statistics_by_hand(tmp_path: Path) -> None:
    image = np.full((32, 64), 200, np.uint8)
    image[:2], image[-2:], image[:, :4], image[:, -4:] = 0, 0, 0, 0  # the frame of a sixteenth
    image[0, :4] = 100
    (tmp_path / "no").mkdir()
    Image.fromarray(image).save(tmp_path / "no" / "a.JPG", format="PNG")
    manifest = build_manifest({"kind": "folder", "path": tmp_path, "normal": "no"}, dataset="toy")
    row = image_statistics(manifest, tmp_path).iloc[0]
    frame = 32 * 64 - 28 * 56
    assert (row["width"], row["height"], row["area"], row["aspect"]) == (64, 32, 2048, 2.0)
    assert row["bytes"] == (tmp_path / "no" / "a.JPG").stat().st_size
    assert row["mean"] == pytest.approx(image.mean() / 255)
    assert row["std"] == pytest.approx(image.std() / 255)
    assert row["max"] == pytest.approx(200 / 255)
    assert row["border_mean"] == pytest.approx(400 / 255 / frame)
    assert row["border_dark"] == pytest.approx((frame - 4) / frame)
    assert (row["suffix"], row["format"], row["mode"]) == (".jpg", "PNG", "L")


def test_shortcuts_agree_with_another_library() -> None:
    rng = generator(0, "test shortcuts")
    labels = rng.integers(0, 2, 80)
    table = {name: rng.normal(size=80) + labels * n * 0.1 for n, name in enumerate(PROPERTIES)}
    table["suffix"] = np.where(rng.random(80) < 0.2 + 0.5 * labels, ".png", ".jpg")
    table["format"], table["mode"] = "PNG", rng.choice(["L", "RGB"], 80)
    found = measure_shortcuts(pd.DataFrame(table), labels).set_index("property")
    for name in PROPERTIES:
        area = roc_auc_score(labels, table[name])
        assert found["auroc"][name] == pytest.approx(max(area, 1 - area))
        assert found["higher"][name] == (area >= 0.5)
    assert found["auroc"]["suffix"] == pytest.approx(roc_auc_score(labels, table["suffix"] == ".png"))
    assert found["auroc"]["format"] == 0.5
    assert found.index.tolist()[0] == found["auroc"].idxmax()
    assert measure_shortcuts(pd.DataFrame(table), np.zeros(80)).empty
    assert set(CATEGORIES) <= set(found.index)


def test_strong_shortcuts_are_findings(tmp_path: Path, picture) -> None:
    for n in range(60):
        name = "no" if n < 30 else "yes"
        (tmp_path / name).mkdir(exist_ok=True)
        suffix = "png" if n < 30 else "jpg"
        Image.fromarray(picture(n, (40, 40 + n))).save(tmp_path / name / f"{n}.{suffix}")
    curation, _ = _curate({"kind": "folder", "path": tmp_path, "normal": "no", "abnormal": "yes"})
    messages = [f.message for f in curation.of_kind("shortcut")]
    for text in ("width (higher) alone reaches an image AUROC of 1.000", "suffix alone", "format alone"):
        assert any(text in message for message in messages)
    assert not any(message.startswith(("height", "mode")) for message in messages)


def test_round_trip_and_threads(source: dict, folder: Path, tmp_path: Path) -> None:
    (folder / "abnormal" / "copy.png").write_bytes((folder / "normal" / "normal_0.png").read_bytes())
    manifest = build_manifest(source, dataset="toy")
    one, marked = curate(manifest, folder, dataset="toy", threads=1)
    two, _ = curate(manifest, folder, dataset="toy", threads=4)
    write_curation(one, tmp_path / "one.json")
    write_curation(two, tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert read_curation(tmp_path / "one.json") == one
    assert marked["duplicate"].tolist().count("abnormal/copy.png") == 2
    (tmp_path / "one.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read as curation"):
        read_curation(tmp_path / "one.json")


def test_check_of_a_good_set(source: dict, folder: Path) -> None:
    (folder / "normal" / "notes.txt").write_text("x")
    report = check_dataset(source, dataset="toy")
    assert report.usable
    text = report.text()
    parts = ["'toy'", "4 abnormal (abnormal)", "6 normal (normal)", "48 x 40", "PNG 10", "can be used"]
    parts += ["4 images with masks", "ignored:     1 other files (normal/notes.txt)"]
    for part in parts:
        assert part in text


def test_check_lists_every_problem_and_what_can_be_read(source: dict, folder: Path) -> None:
    (folder / "normal" / "zero.png").touch()
    (folder / "normal" / "letter.dcm").write_text("Dear colleague, " * 20)
    Image.new("L", (9, 9)).save(folder / "masks" / "abnormal_7.png")
    report = check_dataset(source, dataset="toy")
    assert not report.usable
    assert len(report.problems) == 3
    for name in (
        "zero.png: empty file",
        "letter.dcm: not a DICOM",
        "abnormal_7.png: mask and image differ in size",
    ):
        assert any(name in problem for problem in report.problems)
    assert report.curation.summary["images"] == 9
    assert "3 to mend before it can be used" in report.text()
    assert report.text().count("Hint:") >= 3


@pytest.mark.parametrize("source", [{"kind": "folder", "path": "/nowhere", "normal": "x"}, {"kind": "what"}])
def test_check_of_nothing(source: dict) -> None:
    report = check_dataset(source)
    assert not report.usable
    assert len(report.problems) == 1
    assert "cannot be used yet" in report.text()


def _real(real_data: Path, name: str) -> dict:
    if name == "busi":
        classes = {"normal": ["normal"], "abnormal": ["benign", "malignant"], "mask_suffix": "_mask"}
    else:
        classes = {"normal": ["no"], "abnormal": ["yes"]}
    return {"kind": "folder", "path": str(real_data / name), **classes}


def test_known_facts_of_brainmri(real_data: Path) -> None:
    source = _real(real_data, "brainmri")
    curation, marked = _curate(source)
    summary = curation.summary
    assert summary["classes"] == {"no": {"label": 0, "images": 98}, "yes": {"label": 1, "images": 155}}
    assert summary["duplicates"] == {"groups": 32, "images": 75, "redundant": 43, "exact_redundant": 25}
    assert not curation.of_kind("label_conflict")
    assert summary["leak"]["16"]["held_out"] == 82
    assert summary["leak"]["16"]["expected"] == pytest.approx(8, abs=0.5)
    statistics = image_statistics(marked, source_root(source))
    stored = pd.concat([marked["class"], statistics[["format", "mode", "suffix"]]], axis=1)
    assert Counter(stored.loc[stored["format"] == "PNG", "class"]) == {"no": 7, "yes": 1}
    png = stored[(stored["format"] == "PNG") & (stored["class"] == "no")]
    assert Counter(png["suffix"]) == {".jpg": 6, ".png": 1}
    assert Counter(png["mode"]) == {"RGBA": 5, "P": 1, "RGB": 1}
    area = {row["property"]: row["auroc"] for row in curation.shortcuts}
    assert area["mean"] == pytest.approx(0.761, abs=5e-4)
    assert area["aspect"] == pytest.approx(0.729, abs=5e-4)
    split = make_split(marked, name="grouped", test_normal=65)
    assert split["part"].value_counts().to_dict() == {"test": 220, "pool": 33}


def test_known_facts_of_busi(real_data: Path) -> None:
    curation, marked = _curate(_real(real_data, "busi"))
    summary = curation.summary
    assert {name: facts["images"] for name, facts in summary["classes"].items()} == {
        "benign": 437,
        "malignant": 210,
        "normal": 133,
    }
    assert marked["mask"].str.contains(";").sum() == 17
    assert summary["masks"] == 780
    assert summary["duplicates"] == {"groups": 82, "images": 186, "redundant": 104, "exact_redundant": 1}
    assert [f.images for f in curation.of_kind("label_conflict")] == [
        ("benign/benign (269).png", "normal/normal (1).png"),
        ("benign/benign (437).png", "normal/normal (34).png"),
    ]
    assert [f.images for f in curation.of_kind("class_conflict")] == [
        ("benign/benign (131).png", "benign/benign (42).png", "malignant/malignant (51).png"),
        ("benign/benign (399).png", "malignant/malignant (93).png"),
        ("benign/benign (433).png", "malignant/malignant (145).png"),
    ]
    assert not curation.of_kind("normal_with_lesion")  # all 133 normal masks are empty
    assert not curation.of_kind("empty_mask")
    assert summary["leak"]["16"] == {"expected": pytest.approx(7, abs=0.5), "held_out": 117}
    split = make_split(marked, name="grouped", test_normal=101, test_abnormal=647)
    assert split["part"].value_counts().to_dict() == {"test": 744, "pool": 32, "left_out": 4}

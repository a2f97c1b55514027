"""Captioned image sets of three layouts become one table, with what is broken counted and listed."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data.sources.captions import CaptionSource, read_captions, write_captions
from fusionmedclip.errors import InputError


def picture(path: Path, value: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 9), value, np.uint8)).save(path)


def table(path: Path, rows: list[tuple[str, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


@pytest.fixture
def roco(tmp_path: Path) -> Path:
    """Two training pairs with a table, one validation pair with captions.txt alone."""
    train, validation = (tmp_path / split / "radiology" for split in ("train", "validation"))
    rows = [("id", "name", "caption"), ("R1", "PMC1.jpg", " Chest\n CT, 'NA' "), ("R2", "PMC2.jpg", "NA")]
    table(train / "traindata.csv", rows)
    for name in ("PMC1.jpg", "PMC2.jpg"):
        picture(train / "images" / name)
    picture(validation / "images" / "V1.jpg")
    (validation / "captions.txt").write_text("V1\tA normal radiograph.\n\n", encoding="utf-8")
    return tmp_path


def test_roco_v1(roco: Path):
    found = read_captions({"kind": "roco", "path": str(roco)})
    assert found["split"].tolist() == ["train", "train", "validation"]
    assert found["image_id"].tolist() == ["R1", "R2", "V1"]
    assert found["caption"].tolist() == ["Chest CT, 'NA'", "NA", "A normal radiograph."]
    assert [Path(file).name for file in found["file"]] == ["PMC1.jpg", "PMC2.jpg", "V1.jpg"]
    assert all(Path(file).is_absolute() and Path(file).is_file() for file in found["file"])


def test_roco_v1_inside_all_data(roco: Path):
    (roco / "all_data").mkdir()
    for split in ("train", "validation"):
        (roco / split).rename(roco / "all_data" / split)
    assert len(read_captions({"kind": "roco", "path": str(roco)})) == 3


@pytest.mark.parametrize("images", ["train_images/train", "train_images", "train"])
def test_rocov2(tmp_path: Path, images: str):
    table(
        tmp_path / "train_captions.csv", [("ID", "Caption"), ("ROCOv2_2023_train_000001", "CT of the liver")]
    )
    table(tmp_path / "valid_captions.csv", [("ID", "Caption"), ("ROCOv2_2023_valid_000001", "MRI")])
    picture(tmp_path / images / "ROCOv2_2023_train_000001.jpg")
    picture(tmp_path / images.replace("train", "valid") / "ROCOv2_2023_valid_000001.jpg")
    found = read_captions({"kind": "rocov2", "path": str(tmp_path)})
    assert found[["split", "caption"]].values.tolist() == [
        ["train", "CT of the liver"],
        ["validation", "MRI"],
    ]


def test_plain_table_with_labels(tmp_path: Path):
    picture(tmp_path / "a" / "1.png")
    table(
        tmp_path / "t.csv", [("image", "caption", "split", "label"), ("a/1.png", "a brain", "test", "brain")]
    )
    found = read_captions({"kind": "csv", "path": str(tmp_path / "t.csv")})
    assert found.iloc[0].to_dict() == {
        "split": "test", "image_id": "a/1.png", "file": str(tmp_path / "a" / "1.png"),
        "caption": "a brain", "label": "brain",
    }  # fmt: skip


def test_written_table_reads_back(roco: Path, tmp_path: Path):
    found = read_captions({"kind": "roco", "path": str(roco)})
    write_captions(found, tmp_path / "kept.csv")
    again = read_captions({"kind": "csv", "path": str(tmp_path / "kept.csv"), "check": "none"})
    assert again.equals(found)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Ten rows: one missing, one truncated, one that is no image, one without a caption, six good."""
    rows = [(f"{i}.png", "" if i == 9 else f"caption {i}") for i in range(10)]
    table(tmp_path / "t.csv", [("image", "caption"), *rows])
    rng = np.random.default_rng(0)
    for i in range(1, 10):
        Image.fromarray(rng.integers(0, 255, (40, 40), np.uint8)).save(tmp_path / f"{i}.png")
    whole = (tmp_path / "1.png").read_bytes()
    (tmp_path / "1.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "2.png").write_text("not found")
    return tmp_path / "t.csv"


def test_broken_images_are_listed_and_skipped(damaged: Path):
    found = read_captions({"kind": "csv", "path": str(damaged), "max_broken_share": 0.34})
    assert found["image_id"].tolist() == [f"{i}.png" for i in range(3, 9)]
    assert found.index.tolist() == list(range(6))
    skipped = {row["image_id"]: row["reason"] for row in found.attrs["skipped"]}
    assert set(skipped) == {"0.png", "1.png", "2.png", "9.png"}
    assert skipped["9.png"] == "empty caption"
    assert all(skipped[f"{i}.png"] for i in range(3))


def test_too_many_broken_images(damaged: Path):
    # 3 of the 9 rows with a caption: one more than a share of 0.32 allows.
    with pytest.raises(InputError, match="too many") as error:
        read_captions({"kind": "csv", "path": str(damaged), "max_broken_share": 0.32})
    assert "3 of 9" in str(error.value)


def test_existence_check_does_not_decode(damaged: Path):
    found = read_captions({"kind": "csv", "path": str(damaged), "max_broken_share": 0.2, "check": "exists"})
    assert found["image_id"].tolist() == [f"{i}.png" for i in range(1, 9)]


def test_limit_spreads_over_each_split(tmp_path: Path):
    rows = [(f"{i}.png", f"c{i}", "train" if i < 10 else "test") for i in range(13)]
    table(tmp_path / "t.csv", [("image", "caption", "split"), *rows])
    source = CaptionSource(kind="csv", path=str(tmp_path / "t.csv"), check="none", limit=4)
    captions = read_captions(source)["caption"].tolist()
    # Of ten rows, those where floor((p + 1) * 4 / 10) passes 1, 2, 3 and 4; the three test rows stay.
    assert captions == ["c2", "c4", "c7", "c9", "c10", "c11", "c12"]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"kind": "coco", "path": "x"}, "kind"),
        ({"kind": "csv"}, "path is missing"),
        ({"kind": "csv", "path": "x", "cheque": "none"}, "no such setting"),
        ({"kind": "csv", "path": "x", "check": "sha"}, "check"),
        ({"kind": "csv", "path": "x", "max_broken_share": 2}, "max_broken_share"),
        ({"kind": "csv", "path": "x", "limit": 0}, "limit"),
        ({"kind": "csv", "path": "nowhere.csv"}, "no such table"),
        ({"kind": "roco", "path": "nowhere"}, "no captions"),
        ({"kind": "rocov2", "path": "nowhere"}, "no captions"),
    ],
)
def test_bad_source(settings: dict, word: str):
    with pytest.raises(InputError, match=word):
        read_captions(settings)


def test_bad_tables(tmp_path: Path):
    table(tmp_path / "a.csv", [("picture", "caption"), ("1.png", "x")])
    with pytest.raises(InputError, match="column 'image' is missing"):
        read_captions({"kind": "csv", "path": str(tmp_path / "a.csv")})
    table(tmp_path / "b.csv", [("image", "caption", "split"), ("1.png", "x", "val")])
    with pytest.raises(InputError, match="line 2: unknown split"):
        read_captions({"kind": "csv", "path": str(tmp_path / "b.csv")})
    table(tmp_path / "c.csv", [("image", "caption"), ("1.png", "  ")])
    with pytest.raises(InputError, match="no image-caption pair"):
        read_captions({"kind": "csv", "path": str(tmp_path / "c.csv")})


def test_real_layout(real_data: Path):
    folder = real_data / "roco_like"
    found = read_captions({"kind": "roco", "path": str(folder)})
    lines = {s: len((folder / s / "radiology" / "captions.txt").read_text().splitlines())
             for s in ("train", "validation", "test")}  # fmt: skip
    assert found.groupby("split").size().to_dict() == lines
    assert found.attrs["skipped"] == []

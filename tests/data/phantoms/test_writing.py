"""Folders of phantoms: layout, masks, complete or absent, and nothing shared with pre-training."""

import csv

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data.phantoms import (
    MODALITIES,
    draw_phantom,
    write_phantom_captions,
    write_phantom_dataset,
    writing,
)
from fusionmedclip.errors import InputError

TABLES = {"train": "traindata.csv", "validation": "valdata.csv", "test": "testdata.csv"}


def read(path):
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_data_set_layout_and_content(tmp_path):
    folder = tmp_path / "new" / "set"
    write_phantom_dataset(folder, "chest_xray", size=64, n_normal=3, n_abnormal=2, seed=4)
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.*"))
    assert names == [
        "abnormal/abnormal_0000.png",
        "abnormal/abnormal_0001.png",
        "masks/abnormal_0000.png",
        "masks/abnormal_0001.png",
        "normal/normal_0000.png",
        "normal/normal_0001.png",
        "normal/normal_0002.png",
    ]
    drawn = draw_phantom("chest_xray", size=64, lesion=True, seed=4, index=1)
    assert np.array_equal(read(folder / "masks/abnormal_0001.png"), np.where(drawn.mask, 255, 0))
    assert np.abs(read(folder / "abnormal/abnormal_0001.png") / 255 - drawn.image).max() <= 0.5 / 255 + 1e-6
    normal = draw_phantom("chest_xray", size=64, lesion=False, seed=4, index=2)
    assert np.abs(read(folder / "normal/normal_0002.png") / 255 - normal.image).max() <= 0.5 / 255 + 1e-6


def test_a_longer_data_set_begins_with_the_shorter_one(tmp_path):
    write_phantom_dataset(tmp_path / "a", "brain_mri", size=64, n_normal=2, n_abnormal=1, seed=0)
    write_phantom_dataset(tmp_path / "b", "brain_mri", size=64, n_normal=3, n_abnormal=2, seed=0)
    for path in (tmp_path / "a").rglob("*.png"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def write_some_captions(folder):
    write_phantom_captions(folder, size=64, n_train=2, n_validation=1, n_test=1, seed=0)


def write_some_data_set(folder):
    write_phantom_dataset(folder, "brain_mri", size=64, n_normal=1, n_abnormal=1, seed=0)


@pytest.mark.parametrize("write_some", [write_some_captions, write_some_data_set])
def test_nothing_is_left_when_writing_fails(tmp_path, monkeypatch, write_some):
    calls = []

    def failing(*args):
        calls.append(args)
        raise OSError("disk full")

    monkeypatch.setattr(writing, "_write", failing)
    with pytest.raises(OSError, match="disk full"):
        write_some(tmp_path / "x")
    assert calls
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_refused_and_an_empty_one_is_filled(tmp_path):
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="used"):
        write_phantom_dataset(tmp_path / "used", "brain_mri", size=64, n_normal=1, n_abnormal=1, seed=0)
    assert (tmp_path / "used" / "note.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    write_phantom_dataset(tmp_path / "empty", "brain_mri", size=64, n_normal=1, n_abnormal=0, seed=0)
    assert (tmp_path / "empty" / "normal" / "normal_0000.png").is_file()


def test_negative_counts_are_named(tmp_path):
    with pytest.raises(InputError, match="n_abnormal"):
        write_phantom_dataset(tmp_path / "x", "brain_mri", size=64, n_normal=1, n_abnormal=-1, seed=0)


@pytest.fixture(scope="module")
def captions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captions") / "roco"
    write_phantom_captions(folder, size=64, n_train=24, n_validation=6, n_test=6, seed=0)
    return folder


@pytest.mark.parametrize(("part", "count"), [("train", 24), ("validation", 6), ("test", 6)])
def test_captions_layout(captions, part, count):
    home = captions / part / "radiology"
    lines = [line.split("\t") for line in (home / "captions.txt").read_text(encoding="utf-8").splitlines()]
    with (home / TABLES[part]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(lines) == len(rows) == count
    assert [(row["id"], row["caption"]) for row in rows] == [tuple(line) for line in lines]
    assert sorted(p.name for p in (home / "images").iterdir()) == sorted(row["name"] for row in rows)
    assert {read(home / "images" / row["name"]).shape for row in rows} == {(64, 64)}


def test_captions_mix_modalities_and_classes(captions):
    text = (captions / "train" / "radiology" / "captions.txt").read_text(encoding="utf-8").lower()
    assert all(word in text for word in ("brain", "breast", "chest"))
    assert any(word in text for word in ("normal", "unremarkable", "no focal"))
    assert any(word in text for word in ("glioma", "meningioma", "metastasis", "tumour"))


def test_captions_are_laid_out_as_roco_is(captions, real_data):
    real = real_data / "roco_like"
    if not real.is_dir():
        pytest.skip(f"no captioned images at {real}")
    for part, table in TABLES.items():
        ours, theirs = captions / part / "radiology", real / part / "radiology"
        assert sorted(p.name for p in ours.iterdir()) == sorted(p.name for p in theirs.iterdir())
        heads = [(home / table).read_bytes().split(b"\n")[0] for home in (ours, theirs)]
        assert heads[0] == heads[1]
        first = [(home / "captions.txt").read_bytes().split(b"\n")[0] for home in (ours, theirs)]
        assert [line.count(b"\t") for line in first] == [1, 1]
        assert not any(line.endswith(b"\r") for line in first)
        assert {p.suffix for p in (ours / "images").iterdir()} == {
            p.suffix for p in (theirs / "images").iterdir()
        }


def test_pretraining_and_anomaly_images_are_different_pictures(captions):
    """JPEG changes pixels a little, so pictures are compared by correlation; equal ones give above 0.98."""
    shown = np.stack([read(p).ravel() for p in sorted(captions.glob("*/radiology/images/*"))]).astype(float)
    drawn = np.stack(
        [
            draw_phantom(m, size=64, lesion=lesion, seed=0, index=i).image.ravel()
            for m in MODALITIES
            for lesion in (False, True)
            for i in range(8)
        ]
    )
    both = np.corrcoef(np.concatenate([shown, drawn]))
    assert both[: len(shown), len(shown) :].max() < 0.98
    assert np.abs(both - np.eye(len(both)))[: len(shown), : len(shown)].max() < 0.98


def test_captions_are_written_alike_twice(captions, tmp_path):
    write_phantom_captions(tmp_path / "again", size=64, n_train=24, n_validation=6, n_test=6, seed=0)
    files = [p.relative_to(captions) for p in captions.rglob("*.*") if p.is_file()]
    assert len(files) == 36 + 6
    assert all((captions / f).read_bytes() == (tmp_path / "again" / f).read_bytes() for f in files)

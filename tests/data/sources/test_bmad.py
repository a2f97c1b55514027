"""BMAD's layout in small: two kinds of set, a copy without training images, and what is wrong with others."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.config import load_config
from fusionmedclip.data.curation.check import check_dataset
from fusionmedclip.data.sources.manifest import build_manifest
from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.data.splits import make_split
from fusionmedclip.errors import InputError

WITH_MASKS = ("bmad_brain", "bmad_liver", "bmad_resc")
WITHOUT = ("bmad_oct2017", "bmad_rsna", "bmad_camelyon16")
COUNTS = {"train/good": 5, "valid/good": 2, "valid/Ungood": 2, "test/good": 3, "test/Ungood": 4}


@pytest.fixture(scope="module")
def entries(root: Path) -> dict[str, dict]:
    """The data sets of the overlay."""
    return load_config([root / "config.yaml", root / "configs/bmad.yaml"]).data["datasets"]


@pytest.fixture
def lay(tmp_path: Path, picture: Callable) -> Callable[..., Path]:
    """A set: images in class folders, or in their `img` with masks of the abnormal ones beside it."""

    def make(name: str, *, masks: str | None, parts: dict[str, int] = COUNTS) -> Path:
        key = 0
        for place, count in parts.items():
            folder = tmp_path / name / place / ("img" if masks else "")
            folder.mkdir(parents=True)
            for number in range(count):
                key += 1
                file = f"{key:05d}_{60 + number}.png"
                Image.fromarray(picture(key)).save(folder / file)
                if masks and place.endswith("Ungood"):
                    mask = np.zeros((40, 48), np.uint8)
                    mask[4 : 10 + number, 4:12] = 255
                    beside = folder.parent / masks
                    beside.mkdir(exist_ok=True)
                    Image.fromarray(mask).save(beside / file)
        return tmp_path / name

    return make


@pytest.mark.parametrize("entry", WITH_MASKS + WITHOUT)
def test_the_entries_read_small_sets_of_their_layout(entry: str, entries: dict, lay: Callable) -> None:
    dataset = entries[entry]
    name = Path(dataset["source"]["path"]).name
    source = {**dataset["source"], "path": str(lay(name, masks="label" if entry in WITH_MASKS else None))}
    listing = list_source(source)
    assert not listing.problems.messages
    assert Counter((r.split, r.label, bool(r.masks)) for r in listing.records) == {
        ("pool", 0, False): 5,
        ("validation", 0, False): 2,
        ("validation", 1, entry in WITH_MASKS): 2,
        ("test", 0, False): 3,
        ("test", 1, entry in WITH_MASKS): 4,
    }
    for record in listing.records:
        assert all(Path(mask).name == Path(record.file).name for mask in record.masks)
    manifest = build_manifest(source, dataset="small")
    split = make_split(manifest, name="paper", test_normal=dataset["test"]["normal"])
    assert Counter(zip(split["part"], manifest["label"], strict=True)) == {
        ("pool", 0): 5, ("test", 0): 3, ("test", 1): 4, ("left_out", 0): 2, ("left_out", 1): 2,
    }  # fmt: skip
    assert (set(manifest["group"]) != {""}) is (entry == "bmad_brain")
    assert dataset["acquire"]["licence"]
    assert dataset["acquire"]["steps"]


def test_a_patient_of_the_brain_set_is_its_name_up_to_the_slice(entries: dict, lay: Callable) -> None:
    source = {**entries["bmad_brain"]["source"], "path": str(lay("Brain", masks="label"))}
    groups = {Path(record.file).stem: record.group for record in list_source(source).records}
    assert groups["00001_60"] == "00001"
    assert groups["00016_63"] == "00016"


def test_a_copy_without_training_images_takes_the_pool_from_validation(lay: Callable) -> None:
    parts = {place: count for place, count in COUNTS.items() if not place.startswith("train")}
    path = lay("Brain_AD", masks="anomaly_mask", parts=parts)
    with pytest.raises(
        InputError, match=r"(?s)not laid out as a set of BMAD.*test, valid.*support: validation"
    ):
        list_source({"kind": "bmad", "path": str(path)})
    records = list_source({"kind": "bmad", "path": str(path), "support": "validation"}).records
    assert Counter((r.split, r.label) for r in records) == {
        ("pool", 0): 2, ("pool", 1): 2, ("test", 0): 3, ("test", 1): 4,
    }  # fmt: skip
    assert all(r.masks[0].split("/")[-2] == "anomaly_mask" for r in records if r.label)


def test_training_images_are_left_out_where_validation_is_the_pool(lay: Callable) -> None:
    source = {"kind": "bmad", "path": str(lay("Liver", masks="label")), "support": "validation"}
    manifest = build_manifest(source, dataset="small")
    split = make_split(manifest, name="paper", test_normal=None)
    pool = manifest["file"][split["part"] == "pool"]
    assert len(pool) == 2
    assert pool.str.startswith("valid/good/").all()


def test_masks_and_images_that_lack_each_other_are_named(lay: Callable) -> None:
    path = lay("RESC", masks="label")
    (path / "test/Ungood/img/00013_60.png").rename(path / "test/Ungood/img/other.png")
    messages = "\n".join(map(str, list_source({"kind": "bmad", "path": str(path)}).problems.messages))
    assert "other.png: an image without its mask" in messages
    assert "label/00013_60.png: a mask without its image" in messages


def test_another_layout_and_another_support_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)not laid out.*abnormal, masks, normal.*train"):
        list_source({"kind": "bmad", "path": str(folder)})
    with pytest.raises(InputError, match=r"(?s)`support`.*'train'.*training, validation"):
        list_source({"kind": "bmad", "path": str(folder), "support": "train"})


def test_what_lies_beside_what_is_read_is_named(lay: Callable) -> None:
    """Loose images, class folders of another name, a second mask of one image."""
    path = lay("Liver", masks="label")
    good, label = path / "train/good", path / "test/Ungood/label"
    (good / "img/00001_60.png").rename(good / "loose.png")
    (path / "valid/good").rename(path / "valid/Good")
    mask = sorted(label.iterdir())[0]
    Image.open(mask).save(mask.with_suffix(".bmp"))
    messages = "\n".join(map(str, list_source({"kind": "bmad", "path": str(path)}).problems.messages))
    assert "loose.png: an image beside `img`" in messages
    assert "valid/Good: a folder that is none of good, Ungood" in messages
    assert f"{mask.name}: a second mask" in messages


@pytest.mark.parametrize("name", ["test/Ungood", "test/good", "train/good"])
def test_a_set_without_a_part_that_is_wanted_is_refused(lay: Callable, name: str) -> None:
    path = lay("Brain", masks=None)
    (path / name).rename(path / name.replace("ood", "OOD"))
    with pytest.raises(InputError, match=r"(?s)without images in .*images in .*is not read"):
        list_source({"kind": "bmad", "path": str(path)})


def test_check_reads_a_set(lay: Callable) -> None:
    report = check_dataset({"kind": "bmad", "path": str(lay("Brain", masks="label"))})
    assert report.usable

"""Masks among the images are never images."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data.files.images import image_files
from fusionmedclip.data.files.mask_names import mask_owners
from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.errors import InputError


def _touch(root: Path, *names: str) -> None:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 5), number, np.uint8)).save(root / name)


def _list(root: Path, **keys):
    return list_source({"kind": "folder", "path": str(root), "normal": ["n"], "abnormal": ["b"], **keys})


@pytest.mark.parametrize(
    ("mask", "word"),
    [
        ("X_mask.png", "_mask"), ("X_mask_2.png", "_mask"), ("X_seg.png", "_seg"), ("X-gt.png", "-gt"),
        ("X_Segmentation.jpg", "_Segmentation"), ("X.label.png", ".label"), ("mask_X.png", "mask_"),
        ("X lesion.png", " lesion"), ("X_ground_truth.png", "_ground_truth"),
    ],
)  # fmt: skip
def test_names_of_masks(mask: str, word: str) -> None:
    paths = [Path("a/X.jpg"), Path("a") / mask, Path("b") / mask, Path("a/other.png")]
    assert mask_owners(paths) == {Path("a") / mask: (Path("a/X.jpg"), word)}


@pytest.mark.parametrize("name", ["X_2.png", "X_flipped.png", "maskX.png", "_mask.png", "Y_mask.png"])
def test_names_of_images(name: str) -> None:
    assert mask_owners([Path("X.png"), Path(name)]) == {}


def test_busi_as_it_is_downloaded_needs_no_key(tmp_path: Path) -> None:
    _touch(
        tmp_path, "n/n (1).png", "n/n (1)_mask.png", "b/b (1).png", "b/b (1)_mask.png", "b/b (1)_mask_1.png"
    )
    listing = _list(tmp_path)
    assert listing.problems.messages == []
    assert [(r.file, r.masks) for r in listing.records] == [
        ("b/b (1).png", ("b/b (1)_mask.png", "b/b (1)_mask_1.png")),
        ("n/n (1).png", ("n/n (1)_mask.png",)),
    ]
    assert image_files([tmp_path / "b", tmp_path / "n"]) == [
        tmp_path / "b/b (1).png",
        tmp_path / "n/n (1).png",
    ]


def test_a_mask_of_that_kind_without_its_image_is_no_image_either(tmp_path: Path) -> None:
    _touch(tmp_path, "n/1.png", "b/1.png", "b/1_mask.png", "b/2_mask.png")
    listing = _list(tmp_path)
    assert "b/2_mask.png" not in [record.file for record in listing.records]
    assert "2_mask.png: a mask without its image" in listing.problems.messages[0]


def test_other_names_are_asked_for(tmp_path: Path) -> None:
    _touch(tmp_path, "n/1.png", "b/1.png", "b/1_seg.png", "b/2.png", "b/2_seg.png")
    message = "\n".join(_list(tmp_path).problems.messages)
    assert "1_seg.png: named as the mask of an image beside it" in message
    assert 'set `mask_suffix: "_seg"`' in message
    assert {r.file: r.masks for r in _list(tmp_path, mask_suffix="_seg").records}["b/2.png"] == (
        "b/2_seg.png",
    )
    assert len(_list(tmp_path, mask_suffix="").records) == 5
    with pytest.raises(InputError, match=r"1_seg\.png: named as the mask of 1\.png"):
        image_files([tmp_path / "b"])
    assert image_files([tmp_path / "b"], mask_suffix="_seg") == [tmp_path / "b/1.png", tmp_path / "b/2.png"]
    assert len(image_files([tmp_path / "b"], mask_suffix="")) == 4


def test_a_folder_of_masks_inside_a_class(tmp_path: Path) -> None:
    _touch(tmp_path, "n/1.png", "b/images/1.png", "b/masks/1.png")
    assert "a folder 'masks', which seems to hold masks" in _list(tmp_path).problems.messages[0]
    _touch(tmp_path, "n/labels/7.png")  # a class may well have a folder of that name
    assert len(_list(tmp_path).problems.messages) == 1


def test_masks_listed_in_a_table_as_images(tmp_path: Path) -> None:
    _touch(tmp_path, "1.png", "1_mask.png", "2.png", "2_roi.png")
    (tmp_path / "t.csv").write_text("path,label\n1.png,1\n1_mask.png,1\n2.png,0\n2_roi.png,0\n")
    listing = list_source({"kind": "csv", "path": str(tmp_path / "t.csv")})
    assert len(listing.problems.messages) == 1
    assert "line 3: 1_mask.png is named as the mask of 1.png" in listing.problems.messages[0]


@pytest.mark.parametrize(
    "names",
    [
        ("b/P1_flair.png", "b/P1_seg.png"),  # BraTS
        ("b/volume-0.png", "b/segmentation-0.png"),  # LiTS
        ("b/case_1/imaging.png", "b/case_1/segmentation.png"),  # KiTS
        ("b/21_training.png", "b/21_manual1.png"),  # DRIVE
        ("b/1.png", "b/leftMask/1_left.png"),
        ("b/image_1.png", "b/masks/mask_1.png"),
    ],
)
def test_a_name_that_says_mask_is_no_image_whatever_lies_beside_it(tmp_path: Path, names: tuple) -> None:
    _touch(tmp_path, "n/1.png", *names)
    (message, *_) = _list(tmp_path).problems.messages
    assert "mask" in message
    assert "mask_suffix" in message
    assert len(_list(tmp_path, mask_suffix="").records) == 3
    if Path(names[1]).parent == Path("b"):
        with pytest.raises(InputError, match="named like a mask"):
            image_files([tmp_path / "b"])


@pytest.mark.parametrize("name", ["unmasked.png", "segue.png", "masking tape.png", "manually.png", "0.png"])
def test_words_that_only_begin_alike_are_images(tmp_path: Path, name: str) -> None:
    _touch(tmp_path, "n/1.png", f"b/{name}")
    assert _list(tmp_path).problems.messages == []


def test_an_accent_written_in_two_characters_is_the_same_name(tmp_path: Path) -> None:
    whole, apart = "b/caf\u00e9", "b/cafe\u0301_mask"
    _touch(tmp_path, "n/1.png", f"{whole}.png", f"{apart}.png")
    listing = _list(tmp_path)
    assert listing.problems.messages == []
    assert (listing.records[0].file, listing.records[0].masks) == (f"{whole}.png", (f"{apart}.png",))
    assert image_files([tmp_path / "b"]) == [tmp_path / f"{whole}.png"]


def test_a_mask_of_two_images_of_one_name(tmp_path: Path) -> None:
    _touch(tmp_path, "n/1.png", "b/1.png", "b/1.jpg", "b/1_mask.png")
    assert "1_mask.png: the mask of which image?" in _list(tmp_path).problems.messages[0]

"""Sources as data: folders and tables."""

from pathlib import Path

import pytest
from PIL import Image

from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.errors import InputError


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(root / name)


def test_masks_beside_images_are_never_images(tmp_path: Path) -> None:
    _touch(
        tmp_path, "benign/b (1).png", "benign/b (1)_mask.png", "benign/b (1)_mask_1.png", "benign/b (10).png"
    )
    _touch(tmp_path, "benign/b (10)_mask.png", "normal/n (1).png", "normal/n (1)_mask.png", "other/x.png")
    (tmp_path / "benign" / "notes.txt").write_text("x")
    (tmp_path / "benign" / ".DS_Store").write_bytes(b"x")
    listing = list_source(
        {
            "kind": "folder",
            "path": tmp_path,
            "normal": ["normal"],
            "abnormal": ["benign"],
            "mask_suffix": "_mask",
        }
    )
    assert [(r.file, r.label, r.class_name, r.masks) for r in listing.records] == [
        ("benign/b (1).png", 1, "benign", ("benign/b (1)_mask.png", "benign/b (1)_mask_1.png")),
        ("benign/b (10).png", 1, "benign", ("benign/b (10)_mask.png",)),
        ("normal/n (1).png", 0, "normal", ("normal/n (1)_mask.png",)),
    ]
    assert listing.ignored == ["benign/notes.txt"]
    assert listing.problems.messages == []


def test_mask_folder_by_class_then_by_stem(tmp_path: Path) -> None:
    _touch(tmp_path, "no/1.png", "yes/1.jpg", "yes/deep/2.png", "masks/yes/1.png", "masks/2.png")
    listing = list_source(
        {"kind": "folder", "path": tmp_path, "normal": "no", "abnormal": "yes", "mask_folder": "masks"}
    )
    assert {r.file: r.masks for r in listing.records} == {
        "no/1.png": (),
        "yes/1.jpg": ("masks/yes/1.png",),
        "yes/deep/2.png": ("masks/2.png",),
    }


def test_masks_in_a_folder_of_their_own_that_keep_their_suffix_have_a_hint(tmp_path: Path) -> None:
    """As MVTec's ``ground_truth/broken/000_mask.png``."""
    _touch(tmp_path, "no/0.png", "yes/000.png", "ground_truth/yes/000_mask.png")
    listing = list_source(
        {"kind": "folder", "path": tmp_path, "normal": "no", "abnormal": "yes", "mask_folder": "ground_truth"}
    )
    (message,) = listing.problems.messages
    assert "000_mask.png: a mask without an image of that name" in message
    assert "take the word off" in message


def test_masks_without_image_and_missing_class_are_all_listed(tmp_path: Path) -> None:
    _touch(tmp_path, "no/1.png", "yes/1.png", "yes/7_mask.png", "yes/8_mask.png")
    listing = list_source(
        {
            "kind": "folder",
            "path": tmp_path,
            "normal": ["no", "gone"],
            "abnormal": ["yes"],
            "mask_suffix": "_mask",
        }
    )
    text = "\n".join(listing.problems.messages)
    assert len(listing.problems.messages) == 3
    assert all(name in text for name in ("7_mask.png", "8_mask.png", "gone"))


def test_one_mask_claimed_by_two_images(tmp_path: Path) -> None:
    _touch(tmp_path, "no/1.png", "yes/1.png", "masks/1.png")
    listing = list_source(
        {"kind": "folder", "path": tmp_path, "normal": "no", "abnormal": "yes", "mask_folder": "masks"}
    )
    assert "a mask of several images (no/1.png, yes/1.png)" in listing.problems.messages[0]


def test_table_paths_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        "path,label,mask,group,split\n"
        "img/a.png,0,,p1,train\n"
        'img\\b.png,Abnormal,"m/b1.png; m/b2.png",p2,test\n'
        f"{tmp_path.resolve()}/img/c.png,1,,,\n"
    )
    listing = list_source({"kind": "csv", "path": tmp_path / "list.csv"})
    assert listing.root == tmp_path
    assert [(r.file, r.label, r.class_name, r.masks, r.group, r.split) for r in listing.records] == [
        ("img/a.png", 0, "normal", (), "p1", "train"),
        ("img/b.png", 1, "abnormal", ("m/b1.png", "m/b2.png"), "p2", "test"),
        ("img/c.png", 1, "abnormal", (), "", ""),
    ]


def test_table_problems_name_their_lines(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,label\na.png,0\n./a.png,1\nb.png,maybe\n,1\n")
    messages = list_source({"kind": "csv", "path": tmp_path / "list.csv"}).problems.messages
    assert len(messages) == 3
    assert "line 3: a.png is listed already in line 2" in messages[0]
    assert "line 4" in messages[1]
    assert "'maybe'" in messages[1]
    assert "line 5: empty path" in messages[2]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"kind": "zip", "path": "x"}, "unknown kind"),
        ({"kind": "folder", "path": "/nowhere/at/all", "normal": ["a"]}, "/nowhere/at/all: no such folder"),
        ({"kind": "folder", "path": "."}, "needs `normal`"),
        ({"kind": "folder", "path": ".", "normal": ["a"], "mask": "m"}, "unknown key `mask`"),
        ({"kind": "folder", "path": ".", "normal": [1]}, "list of names"),
        ({"kind": "csv", "path": "/nowhere/list.csv"}, "list.csv: no such file"),
    ],
)
def test_source_that_cannot_be_understood(source: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        list_source(source)


@pytest.mark.parametrize("text", ["", "file,label\na,0\n", "path,label,colour\na,0,red\n"])
def test_broken_table(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(InputError, match=r"list\.csv"):
        list_source({"kind": "csv", "path": tmp_path / "list.csv"})


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "no").mkdir()
    listing = list_source({"kind": "folder", "path": tmp_path, "normal": "no"})
    assert "no images found" in listing.problems.messages[0]

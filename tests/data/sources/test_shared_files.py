"""One file is one thing: an image once, or the mask of one image."""

from pathlib import Path

import pytest

from fusionmedclip.data.sources.registry import list_source


def _files(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def test_a_link_to_the_root_among_the_abnormal(tmp_path: Path) -> None:
    _files(tmp_path, "n/1.png", "b/2.png")
    (tmp_path / "b/all").symlink_to(tmp_path)
    listing = list_source({"kind": "folder", "path": str(tmp_path), "normal": ["n"], "abnormal": ["b"]})
    assert any("n/1.png: listed twice" in message for message in listing.problems.messages)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("1.png,1,1.png", "the mask of 1.png, and an image itself"),
        ("1.png,1,m.png\n2.png,1,m.png", "m.png: the mask of two images"),
        ("1.png,1,\n../set/1.png,0,", "listed twice"),
        ("1.png,1,\nlink/1.png,0,", "listed twice"),
    ],
)
def test_a_table_that_gives_one_file_two_meanings(tmp_path: Path, rows: str, problem: str) -> None:
    root = tmp_path / "set"
    _files(root, "1.png", "2.png", "m.png")
    (root / "link").symlink_to(root)
    (root / "t.csv").write_text(f"path,label,mask\n{rows}\n")
    listing = list_source({"kind": "csv", "path": str(root / "t.csv")})
    assert [problem in message for message in listing.problems.messages] == [True]


def test_several_masks_of_one_image_are_right(tmp_path: Path) -> None:
    _files(tmp_path, "1.png", "2.png", "m.png", "o.png")
    (tmp_path / "t.csv").write_text("path,label,mask\n1.png,1,m.png;o.png\n2.png,0,\n")
    assert list_source({"kind": "csv", "path": str(tmp_path / "t.csv")}).problems.messages == []

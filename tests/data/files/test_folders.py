"""What of a folder is data; nothing vanishes and nothing that is none counts."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data import load_images, read_image
from fusionmedclip.data.acquisition.checksums import verify_folder
from fusionmedclip.data.curation.check import check_dataset
from fusionmedclip.data.files.folders import data_files, is_stray
from fusionmedclip.data.files.images import image_files
from fusionmedclip.data.problems import Problems
from fusionmedclip.data.sources.manifest import build_manifest
from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.errors import InputError

STRAY = ("Thumbs.db", "THUMBS.DB", "ehthumbs.db", "desktop.ini", "DICOMDIR", ".DS_Store", "._a.png",
         "__MACOSX/a.png", "@eaDir/a.png", ".hidden/a.png", "Icon\r")  # fmt: skip
LATIN = os.fsdecode(b"l\xe4sion.png")


def _picture(path: Path, key: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(key).integers(0, 255, (8, 9)).astype(np.uint8)
    Image.fromarray(values).save(path, "PNG")
    return path


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Class folders ``normal`` and ``ill`` of three pictures each."""
    for n in range(6):
        _picture(tmp_path / "set" / ("normal" if n < 3 else "ill") / f"{n}.png", n)
    return tmp_path / "set"


def _source(folder: Path, **keys) -> dict:
    return {"kind": "folder", "path": str(folder), "normal": ["normal"], "abnormal": ["ill"], **keys}


def _files(folder: Path) -> list[str]:
    return [record.file for record in list_source(_source(folder)).records]


def test_stray_files_are_passed_over_alike_everywhere(classes: Path) -> None:
    before = _files(classes)
    for name in STRAY:
        target = classes / "normal" / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((b"\0" * 128 + b"DICM") if name == "DICOMDIR" else b"\xd0\xcf\x11\xe0")
        assert is_stray(name.split("/")[0])
    assert _files(classes) == before
    assert list_source(_source(classes)).ignored == []
    assert [path.name for path in image_files([classes / "normal"])] == ["0.png", "1.png", "2.png"]
    assert load_images(classes / "normal", 16).shape == (3, 16, 16)
    assert verify_folder(classes / "normal", {}).extra == ("0.png", "1.png", "2.png")
    assert not is_stray("thumbs.png")


def test_stray_files_in_a_series_change_nothing(tmp_path: Path, write_dicom) -> None:
    source = {"kind": "folder", "path": str(tmp_path / "s"), "normal": ["a"], "series": True}
    for n in range(3):
        place = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, n]}
        write_dicom(tmp_path / "s" / "a" / "v" / f"{n}.dcm", np.full((4, 4), n, np.int16), **place)
    before = build_manifest(source, dataset="x")
    for name in (".DS_Store", "Thumbs.db", "DICOMDIR"):
        (tmp_path / "s" / "a" / "v" / name).write_bytes(b"\0" * 128 + b"DICM")
    after = build_manifest(source, dataset="x")
    assert after["sha256"].tolist() == before["sha256"].tolist()
    assert check_dataset(source).usable


def test_linked_files_and_folders_are_followed_and_loops_end(classes: Path, tmp_path: Path) -> None:
    _picture(tmp_path / "elsewhere" / "deep" / "linked.png", 9)
    (classes / "normal" / "more").symlink_to(tmp_path / "elsewhere")
    (classes / "normal" / "one.png").symlink_to(tmp_path / "elsewhere" / "deep" / "linked.png")
    (classes / "normal" / "loop").symlink_to(classes)
    (tmp_path / "elsewhere" / "deep" / "up").symlink_to(tmp_path / "elsewhere")
    found = _files(classes)
    assert "normal/more/deep/linked.png" in found
    assert "normal/one.png" in found
    assert not any("up" in Path(name).parts for name in found)
    assert len(data_files(classes / "normal")) < 20


def test_what_would_vanish_is_a_problem(classes: Path) -> None:
    (classes / "ill" / "gone.png").symlink_to("annex/objects/XY")
    (classes / "ill" / "gone").symlink_to("nowhere")
    _picture(classes / "ill" / LATIN)
    messages = list_source(_source(classes)).problems.messages
    assert len(messages) == 3
    text = "\n".join(messages)
    assert "gone.png: a link to a file that is not there\n  received: 'annex/objects/XY'" in text
    assert r"a name that is not UTF-8" in text
    assert r"b'l\xe4sion.png'" in text
    text.encode("utf-8")  # any terminal can print it
    report = check_dataset(_source(classes))
    assert not report.usable
    report.text().encode("utf-8")
    with pytest.raises(InputError, match="not UTF-8"):
        build_manifest(_source(classes), dataset="x")
    with pytest.raises(InputError, match="3 problems"):
        image_files([classes / "ill"])
    with pytest.raises(InputError, match="not UTF-8"):
        image_files([classes / "ill" / LATIN])


def test_a_root_whose_name_is_not_utf8_can_be_reported(classes: Path) -> None:
    other = classes.with_name(os.fsdecode(b"s\xe4t"))
    classes.rename(other)
    report = check_dataset(_source(other))
    assert report.usable
    assert r"s\udce4t" in report.text()


def test_a_folder_that_cannot_be_listed_is_a_problem(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (classes / "ill" / "locked").mkdir()
    listed = os.scandir

    def refuse(path: Path):
        if Path(path).name == "locked":  # by rights would not stop a test that runs as root
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    problems = Problems()
    assert len(data_files(classes / "ill", problems)) == 3
    assert "locked: a folder that cannot be listed (Permission denied)" in problems.messages[0]


def test_a_link_to_itself_is_a_problem(classes: Path) -> None:
    (classes / "ill" / "self.png").symlink_to("self.png")
    assert "self.png: a link" in list_source(_source(classes)).problems.messages[0]


@pytest.mark.parametrize("name", ["A.PNG", "b.Png", "no_suffix", "odd.dat", "picture.dcm"])
def test_an_image_by_its_bytes_whatever_its_name(classes: Path, name: str) -> None:
    _picture(classes / "ill" / name, 7)
    assert f"ill/{name}" in _files(classes)
    assert classes / "ill" / name in image_files([classes / "ill"])
    assert read_image(classes / "ill" / name).shape == (8, 9)


FORMATS = {
    "a.mha": (b"ObjectType = Image\nNDims = 3\n", "MetaImage"),
    "a.npy": (b"\x93NUMPY\x01\x00", "NumPy array"),
    "a.nrrd": (b"NRRD0004\ntype: short\n", "NRRD"),
    "a.heic": (b"\0\0\0\x18ftypheic", "HEIC"),
    "a.svg": (b"<svg xmlns='x'>", "SVG"),
    "a.nii.bz2": (b"BZh9", "NIfTI in bzip2"),
    "a.img2": (b"\x93NUMPY\x01\x00", "NumPy array"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats_that_are_not_read_are_named_as_such(classes: Path, name: str) -> None:
    content, form = FORMATS[name]
    (classes / "ill" / name).write_bytes(content)
    report = check_dataset(_source(classes))
    assert not report.usable
    assert f"in a format that is not read: {form}" in report.text()
    assert name in report.text()
    with pytest.raises(InputError, match=rf"{name}: {form} is not read\n +allowed:  PNG"):
        image_files([classes / "ill"])
    with pytest.raises(InputError, match=rf"{name}: not an image this project can read: {form}"):
        read_image(classes / "ill" / name)


def test_what_lies_beside_its_own_image_does_not_stop_a_data_set(classes: Path) -> None:
    (classes / "ill" / "3.npy").write_bytes(b"\x93NUMPY")
    (classes / "ill" / "notes.pdf").write_bytes(b"%PDF-1.7")
    report = check_dataset(_source(classes))
    assert report.usable
    assert report.ignored == ("ill/3.npy", "ill/notes.pdf")


def test_a_git_lfs_pointer_in_place_of_a_picture_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(InputError, match=r"a\.png: .*a Git LFS pointer"):
        read_image(tmp_path / "a.png")

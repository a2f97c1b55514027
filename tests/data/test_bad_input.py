"""Every kind of broken file at once: one message that names them all, and nothing written."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from pydicom.uid import RLELossless

from fusionmedclip.data import read_image
from fusionmedclip.data.curation.check import check_dataset
from fusionmedclip.data.sources.manifest import build_manifest
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator


@pytest.fixture
def broken(tmp_path: Path, picture, write_dicom) -> dict:
    """A table of nine images, one of which is in order."""
    folder = tmp_path / "set"
    (folder / "img").mkdir(parents=True)
    Image.fromarray(picture(0)).save(folder / "img" / "good.png")
    for suffix in ("png", "jpg", "tif"):
        path = folder / "img" / f"truncated.{suffix}"
        Image.fromarray(picture(1, (200, 200))).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (folder / "img" / "zero.png").touch()
    (folder / "img" / "suffix.png").write_bytes(b"PK\x03\x04 an archive with the suffix of a picture")
    (folder / "img" / "text.dcm").write_text("Dear colleague, thank you for sending this patient. " * 9)
    volume = np.zeros((4, 4, 4), np.float32)
    volume[1, 1, 1] = np.nan
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / "img" / "nan.nii.gz")
    whole = write_dicom(folder / "img" / "cut.dcm", picture(2).astype(np.uint16)).read_bytes()
    (folder / "img" / "cut.dcm").write_bytes(whole[:-100])
    Image.new("L", (9, 9)).save(folder / "img" / "small_mask.png")
    Image.fromarray(picture(3)).save(folder / "img" / "masked.png")
    rows = ["path,label,mask", "img/good.png,0,", "img/good.png,1,", "img/masked.png,1,img/small_mask.png"]
    names = ("truncated.png", "truncated.jpg", "truncated.tif", "zero.png", "suffix.png", "text.dcm",
             "nan.nii.gz", "cut.dcm", "gone.png")  # fmt: skip
    rows += [f"img/{name},0," for name in names]
    (folder / "list.csv").write_text("\n".join(rows) + "\n")
    return {"kind": "csv", "path": str(folder / "list.csv")}


NAMED = {
    "img/good.png is listed already": "one image in two classes",
    "truncated.png": "truncated",
    "truncated.jpg": "truncated",
    "truncated.tif": "truncated",
    "zero.png: empty file": "zero bytes",
    "suffix.png: not an image": "wrong suffix",
    "text.dcm: not a DICOM image": "text as .dcm",
    "nan.nii.gz: holds 1 NaN": "NaN volume",
    "cut.dcm: the header does not describe the pixels": "truncated",
    "gone.png: no such file": "missing",
    "small_mask.png: mask and image differ in size": "a mask of another size",
}


def test_all_are_named_in_one_message(broken: dict) -> None:
    before = sorted(Path(broken["path"]).parent.rglob("*"))
    with pytest.raises(InputError) as caught:
        build_manifest(broken, dataset="toy")
    text = str(caught.value)
    assert f": {len(NAMED)} problems" in text
    for name, kind in NAMED.items():
        assert name in text, kind
    assert sorted(Path(broken["path"]).parent.rglob("*")) == before


def test_check_lists_the_same_and_reads_the_rest(broken: dict) -> None:
    report = check_dataset(broken, dataset="toy")
    assert len(report.problems) == len(NAMED)
    for name in NAMED:
        assert name in report.text()
    assert report.curation.summary["images"] == 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "gif", "nii", "nii.gz", "dcm"])
def test_damaged_bytes_raise_nothing_else(tmp_path: Path, picture, write_dicom, suffix: str) -> None:
    whole = tmp_path / f"whole.{suffix}"
    if suffix == "dcm":
        write_dicom(whole, picture(0).astype(np.uint16) * 16, BitsStored=12, HighBit=11, syntax=RLELossless)
    elif suffix.startswith("nii"):
        nibabel.save(nibabel.Nifti1Image(picture(0).reshape(8, 10, 24).astype(np.int16), np.eye(4)), whole)
    else:
        Image.fromarray(picture(0)).save(whole)
    data, rng, damaged = whole.read_bytes(), generator(0, "test damage", suffix), tmp_path / f"x.{suffix}"
    for attempt in range(60):
        content = bytearray(data)
        if attempt % 3 == 0:
            content = content[: rng.integers(0, len(content))]
        for _ in range(attempt % 5):
            if content:  # mostly in the header, where a byte can do harm
                content[rng.integers(0, min(len(content), 400))] = rng.integers(0, 256)
        damaged.write_bytes(bytes(content))
        message = ""
        try:
            image = read_image(damaged)
        except InputError as error:
            message = str(error)
        if message:
            assert damaged.name in message
        else:
            assert image.ndim == 2
            assert image.min() >= 0
            assert image.max() <= 1

"""What a model sees of an input is what the reader of single images gives, slice by slice."""

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from fusionmedclip.data.reading.images import load_images
from fusionmedclip.data.reading.settings import ImageSettings
from fusionmedclip.lab.inputs import find_inputs
from fusionmedclip.lab.reading import read_input
from tests.lab.dicoms import write_series
from tests.lab.models import phantoms, write_pngs

FORMS = {"grey": ImageSettings(), "colour": ImageSettings(colour=True)}


def make(kind: str, folder: Path) -> Path:
    """A file of a kind, or the folder of a series."""
    if kind == "png":
        return write_pngs(folder, phantoms(1)[:, :50])[0]
    if kind == "colour jpeg":
        path = folder / "x.jpg"
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 30, 3)).astype(np.uint8)).save(path)
        return path
    if kind == "nifti":
        values = phantoms(5).transpose(2, 1, 0)[:, :50]  # (64, 50, 5), cut along the last axis
        nibabel.save(nibabel.Nifti1Image(values, np.diag([1, 2, 4, 1.0])), folder / "x.nii.gz")
        return folder / "x.nii.gz"
    if kind == "tiff stack":
        pages = [Image.fromarray(np.rint(255 * image).astype(np.uint8)) for image in phantoms(3)]
        pages[0].save(folder / "x.tif", save_all=True, append_images=pages[1:])
        return folder / "x.tif"
    if kind == "series":
        write_series(folder / "series", [6, 0, 3])
        return folder / "series"
    if kind == "wide pixels":
        given = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        given.PixelSpacing = [1, 2]
        given.save_as(folder / "x.dcm")
        return folder / "x.dcm"
    return Path(get_testdata_file("MR_small.dcm"))


COUNTS = {
    "png": 1, "colour jpeg": 1, "nifti": 5, "tiff stack": 3, "series": 3, "one frame": 1, "wide pixels": 1,
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", COUNTS)
def test_slices_are_read_as_single_images_are(kind: str, form: str, tmp_path: Path) -> None:
    path = make(kind, tmp_path)
    found = read_input(find_inputs([path]).inputs[0], 48, form=FORMS[form], luma=True)
    count = COUNTS[kind]
    assert len(found.names) == len(found.pixels) == len(found.working) == count
    if kind == "nifti":
        assert found.axis == 2
        assert found.pixels.shape[:3] == (5, 50, 64)
    names = [f"{path}#slice={index:04d}" for index in range(count)] if count > 1 else [path]
    np.testing.assert_array_equal(found.working, load_images(names, 48, form=FORMS[form]))
    assert found.names == (("",) if count == 1 else tuple(name.partition("#")[2] for name in names))


def test_pixels_are_as_stored_and_slices_of_a_series_in_order(tmp_path: Path) -> None:
    wide = read_input(find_inputs([make("wide pixels", tmp_path)]).inputs[0], 48)
    assert wide.pixels.shape == (1, 128, 128)
    series = read_input(find_inputs([make("series", tmp_path)]).inputs[0], 48)
    assert [file.name for file in series.input.files] == ["1.dcm", "2.dcm", "0.dcm"]  # 0, 3 and 6 mm
    corners = series.pixels[:, :8, :8].mean(axis=(1, 2))
    assert (np.diff(corners) > 0).all()
    assert series.axis is None


def test_what_is_read_in_part_or_oddly_says_so(tmp_path: Path) -> None:
    nibabel.save(
        nibabel.Nifti1Image(np.arange(8 * 8 * 4 * 3.0).reshape(8, 8, 4, 3), np.eye(4)), tmp_path / "t.nii"
    )
    nibabel.save(nibabel.Nifti1Image(np.arange(8 * 8 * 4.0).reshape(8, 8, 4), np.eye(4)), tmp_path / "v.nii")
    Image.fromarray(np.full((9, 9), 70, np.uint8)).save(tmp_path / "blank.png")
    write_series(tmp_path / "ct", [0, 3, 6, 10])
    notes = {item.place.name: read_input(item, 16).notes for item in find_inputs([tmp_path]).inputs}
    assert notes == {
        "t.nii": ("the first of 3 volumes: the others were not looked at",),
        "v.nii": (),
        "blank.png": ("blank: one grey value everywhere, whatever its score",),
        "ct": (
            "slices lie 3 to 4 mm apart: is one missing?",
            "no affine describes where its slices lie, so that no map of it is written as NIfTI",
        ),
    }

"""Volumes whose header and bytes do not agree: each written right first, then changed in one place."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from fusionmedclip.data import ReadSettings, read_image
from fusionmedclip.data.reading.read import read_with_mask
from fusionmedclip.data.reading.volumes import read_volume
from fusionmedclip.errors import InputError

SHAPE = (20, 24, 6)
RAMP = np.broadcast_to(np.arange(20, dtype=np.int16)[:, None, None], SHAPE).copy()
LEFT_TO_RIGHT = np.arange(20)[::-1] / 19  # of a ramp that grows to the right, which is shown on the left
ALL = ReadSettings(percentiles=(0, 100))


def _write(path: Path, values: np.ndarray, affine: np.ndarray | None = None) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), path)
    return path


def _changed(at: int, form: str, *values: float) -> Callable[[bytes], bytes]:
    """Other numbers in a header. NIfTI-1: dim at 40, datatype at 70, vox_offset at 108, scl_slope at 112."""
    return lambda data: data[:at] + struct.pack(form, *values) + data[at + struct.calcsize(form) :]


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("a.nii", _changed(108, "<f", 0), "pixels begin inside it"),
        ("a.nii", _changed(70, "<hh", 2, 8), "holds more bytes than its header says"),  # uint8 for int16
        ("a.nii", _changed(46, "<h", 3), "holds more bytes than its header says"),  # half of the slices
        ("a.nii", lambda data: data[:-600], "claims more pixels than the file can hold"),
        (
            "a.nii",
            gzip.compress,
            r"packed with gzip, which its name does not say(.|\n)*rename it to a\.nii\.gz",
        ),
        ("a.nii.gz", bytes, "not packed with gzip, though its name says so"),
        ("a.nii.gz", lambda data: gzip.compress(data)[:-8] + b"\0" * 8, "CRC check failed"),
        ("a.nii.gz", lambda data: gzip.compress(data)[:60], "ended before the end-of-stream marker"),
        ("a.nii.gz", lambda data: gzip.compress(data[:-600]), "holds fewer bytes than its header says"),
        ("a.nii.gz", lambda data: gzip.compress(_changed(70, "<hh", 2, 8)(data)), "holds more bytes"),
        ("a.nii.gz", lambda data: b"<!DOCTYPE html>" + bytes(999), "a web page"),
        ("a.nii", lambda data: b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        ("a.nii", lambda data: bytes(999), "no header of a format that is read"),
        ("a.mnc", lambda data: b"\x89HDF\r\n\x1a\n" + bytes(999), r"MINC 2 \(HDF5\) is not read"),
    ],
)
def test_header_and_bytes_that_do_not_agree(tmp_path: Path, name: str, change: Callable, says: str) -> None:
    whole = _write(tmp_path / "whole.nii", RAMP)
    np.testing.assert_allclose(read_image(whole, settings=ALL)[0], LEFT_TO_RIGHT, atol=1e-6)
    path = tmp_path / name
    path.write_bytes(change(whole.read_bytes()))
    with pytest.raises(InputError, match=rf"{name}: (.|\n)*{says}"):
        read_image(path)


def test_a_block_of_padding_behind_the_pixels_is_no_harm(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.nii", RAMP)
    path.write_bytes(path.read_bytes() + bytes(500))
    np.testing.assert_allclose(read_image(path, settings=ALL)[0], LEFT_TO_RIGHT, atol=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        RAMP.astype(np.int64) + 2**40,
        RAMP.astype(np.int32) + 2**30,
        RAMP + 1e9,
        RAMP * 1e300,
        RAMP * 1e-200,
    ],
    ids=["int64", "int32", "float64", "huge", "tiny"],
)
def test_numbers_that_float32_runs_together(tmp_path: Path, values: np.ndarray) -> None:
    image = nibabel.Nifti1Image(values, np.eye(4), dtype=values.dtype)
    nibabel.save(image, tmp_path / "a.nii")
    np.testing.assert_allclose(read_image(tmp_path / "a.nii", settings=ALL)[0], LEFT_TO_RIGHT, atol=1e-4)


def test_a_slope_that_makes_one_value_of_all_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.nii", RAMP)
    path.write_bytes(_changed(112, "<ff", 1e-45, 1)(path.read_bytes()))  # scl_slope and scl_inter
    with pytest.raises(InputError, match=r"a\.nii: the header's slope and intercept make one value of all"):
        read_image(path)
    assert not read_image(_write(tmp_path / "b.nii", RAMP * 0 + 7)).any()  # stored so


@pytest.mark.parametrize("shape", [(40, 32, 3), (3, 40, 32), (40, 32, 1, 4)])
def test_colours_saved_as_slices_are_asked_for(tmp_path: Path, shape: tuple) -> None:
    values = np.arange(np.prod(shape)).reshape(shape) % 251
    path = _write(tmp_path / "a.nii", values.astype(np.uint8))
    with pytest.raises(InputError, match=r"a\.nii: colours of one picture, or a volume of so few slices\?"):
        read_image(path)
    assert read_image(_write(tmp_path / "b.nii", values.astype(np.int16))).shape  # never colours
    if len(shape) == 3:
        assert read_volume(path).slices.shape[0] == shape[2]  # slices by name, as `slices: all` gives them
        assert read_image(f"{path}#slice=0").shape == shape[1::-1]


def test_several_numbers_a_voxel_and_empty_first_volumes_are_refused(tmp_path: Path) -> None:
    vectors = np.stack([RAMP, RAMP, RAMP], axis=-1)[:, :, :, None]
    with pytest.raises(InputError, match=r"a\.nii: holds several numbers a voxel"):
        read_image(_write(tmp_path / "a.nii", vectors))
    with pytest.raises(InputError, match=r"b\.nii: the first volume of a series has no contrast"):
        read_image(_write(tmp_path / "b.nii", np.stack([RAMP * 0, RAMP], axis=-1)))


def test_a_mask_of_one_volume_a_class_is_refused(tmp_path: Path) -> None:
    lesion = (RAMP > 15).astype(np.uint8)
    image = _write(tmp_path / "a.nii", RAMP)
    with pytest.raises(InputError, match=r"m\.nii: a mask of several volumes"):
        read_with_mask(image, [_write(tmp_path / "m.nii", np.stack([1 - lesion, lesion], axis=-1))])
    _, mask = read_with_mask(image, [_write(tmp_path / "m.nii", lesion[..., None])])
    assert mask.mean() == 4 / 20


@pytest.mark.parametrize(("value", "counts"), [(1, True), (3, True), (0.6, True), (0.4, False), (-1, False)])
def test_labels_and_probabilities_of_a_nifti_mask(tmp_path: Path, value: float, counts: bool) -> None:
    mask = _write(tmp_path / "m.nii", np.where(RAMP > 15, value, 0).astype(np.float32))
    assert read_with_mask(_write(tmp_path / "a.nii", RAMP), [mask])[1].mean() == (4 / 20 if counts else 0)

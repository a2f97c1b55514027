"""NIfTI: orientation, scaling and broken files."""

import gzip
import itertools
import tracemalloc
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from fusionmedclip.data import ReadSettings, read_image, read_mask
from fusionmedclip.data.reading.nifti import from_slices, nifti_volume_count, to_slices
from fusionmedclip.data.reading.read import read_with_mask
from fusionmedclip.data.reading.volumes import read_volume, slice_count
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator

SHAPE = (4, 5, 6)  # right, anterior, superior
ALL = ReadSettings(percentiles=(0, 100), square_pixels=False)


def _ramp(direction: int) -> np.ndarray:
    """Grows to the right (0), to anterior (1) or to superior (2)."""
    shape = [1, 1, 1]
    shape[direction] = SHAPE[direction]
    return np.broadcast_to(np.arange(SHAPE[direction], dtype=np.int16).reshape(shape), SHAPE)


def _write(path: Path, values: np.ndarray, codes: str = "RAS", zooms=(1, 1, 1)) -> Path:
    image = nibabel.Nifti1Image(np.ascontiguousarray(values), np.diag([*zooms, 1.0]))
    nibabel.save(image.as_reoriented(ornt_transform(io_orientation(image.affine), axcodes2ornt(codes))), path)
    return path


ORIENTATIONS = [
    "".join(codes)
    for axes in itertools.permutations(("RL", "AP", "SI"))
    for codes in itertools.product(*axes)
]


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_every_stored_orientation_is_shown_alike(tmp_path: Path, codes: str) -> None:
    right = _write(tmp_path / "r.nii", _ramp(0), codes)
    front = _write(tmp_path / "a.nii", _ramp(1), codes)
    above = _write(tmp_path / "s.nii", _ramp(2), codes)
    axial, coronal, sagittal = (
        ReadSettings(axis=n, percentiles=(0, 100), square_pixels=False) for n in (2, 1, 0)
    )
    assert (np.diff(read_image(right, settings=axial), axis=1) < 0).all()  # the patient's right on the left
    assert (np.diff(read_image(front, settings=axial), axis=0) < 0).all()  # anterior on top
    assert (np.diff(read_image(right, settings=coronal), axis=1) < 0).all()
    assert (np.diff(read_image(above, settings=coronal), axis=0) < 0).all()  # superior on top
    assert (np.diff(read_image(front, settings=sagittal), axis=1) < 0).all()
    assert (np.diff(read_image(above, settings=sagittal), axis=0) < 0).all()
    assert read_volume(above, settings=axial).slices.shape == (6, 5, 4)
    assert [slice_count(above, settings=s) for s in (axial, coronal, sagittal)] == [6, 5, 4]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_and_back(axis: int) -> None:
    values = np.arange(120).reshape(SHAPE)
    slices = to_slices(values, axis)
    assert slices.shape[0] == SHAPE[axis]
    np.testing.assert_array_equal(from_slices(slices, axis), values)


def test_scaling_slope_and_percentiles_of_the_whole_volume(tmp_path: Path) -> None:
    values = np.arange(120, dtype=np.float64).reshape(SHAPE) * 7.5 - 300
    image = nibabel.Nifti1Image(values, np.eye(4))
    image.set_data_dtype(np.int16)  # stored with slope and intercept
    nibabel.save(image, tmp_path / "a.nii.gz")
    low, high = np.percentile(values, (2, 97))
    expected = np.clip((values[::-1, ::-1, 3].T - low) / (high - low), 0, 1)
    grey = read_image(tmp_path / "a.nii.gz", settings=ReadSettings(percentiles=(2, 97), slice=3))
    np.testing.assert_allclose(grey, expected, atol=2e-3)
    ranged = read_image(tmp_path / "a.nii.gz", settings=ReadSettings(value_range=(-300, 0), slice=0))
    np.testing.assert_allclose(ranged, np.clip((values[::-1, ::-1, 0].T + 300) / 300, 0, 1), atol=2e-3)


def test_voxels_are_shown_square_and_masks_follow(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.nii", _ramp(2), zooms=(1, 1, 3))
    settings = ReadSettings(axis=1)
    assert read_image(path, settings=settings).shape == (18, 4)
    mask = _write(tmp_path / "m.nii", (_ramp(2) > 3).astype(np.uint8), zooms=(1, 1, 3))
    image, stretched = read_with_mask(path, [mask], settings=settings)
    assert image.shape == stretched.shape == (18, 4)
    assert stretched[:6].all()
    assert not stretched[6:].any()


def test_mask_labels_and_slices(tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 2, 4] = 3
    path = _write(tmp_path / "m.nii.gz", labels)
    assert np.argwhere(read_mask(f"{path}#slice=4")).tolist() == [[2, 2]]
    assert not read_mask(f"{path}#slice=3").any()


def test_time_series_colour_and_complex(tmp_path: Path) -> None:
    series = np.stack([_ramp(0), _ramp(1)], axis=-1)
    nibabel.save(nibabel.Nifti1Image(series, np.eye(4)), tmp_path / "t.nii")
    np.testing.assert_array_equal(
        read_image(tmp_path / "t.nii", settings=ALL),
        read_image(_write(tmp_path / "r.nii", _ramp(0)), settings=ALL),
    )
    colour = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    colour["G"] = _ramp(0) * 50
    nibabel.save(nibabel.Nifti1Image(colour, np.eye(4)), tmp_path / "c.nii")
    np.testing.assert_allclose(
        read_image(tmp_path / "c.nii", settings=ALL)[0], [1, 2 / 3, 1 / 3, 0], atol=1e-6
    )
    nibabel.save(nibabel.Nifti1Image((_ramp(0) * 1j).astype(np.complex64), np.eye(4)), tmp_path / "z.nii")
    np.testing.assert_allclose(
        read_image(tmp_path / "z.nii", settings=ALL)[0], [1, 2 / 3, 1 / 3, 0], atol=1e-6
    )


def test_broken_volumes_are_named(tmp_path: Path) -> None:
    values = _ramp(0).astype(np.float32).copy()
    noise = generator(0, "test volume").random((20, 20, 20), np.float32)
    whole = _write(tmp_path / "whole.nii.gz", noise)
    (tmp_path / "cut.nii.gz").write_bytes(whole.read_bytes()[:9000])
    values[1, 1, 1] = np.nan
    values[0, 0, 0] = np.inf
    _write(tmp_path / "nan.nii", values)
    (tmp_path / "text.nii").write_text("no volume at all")
    (tmp_path / "text.nii.gz").write_text("no volume at all")
    (tmp_path / "zero.nii").touch()
    flat = nibabel.Nifti1Image(noise, np.eye(4))
    flat.set_qform(None, code=0)
    flat.set_sform(np.diag([0, 1, 1, 1]), code=1)
    nibabel.save(flat, tmp_path / "flat.nii")
    unreadable = "cannot be read as volume"
    says = {"cut.nii.gz": "ended before", "nan.nii": "2 NaN or infinite", "text.nii": unreadable,
            "text.nii.gz": unreadable, "zero.nii": "empty file", "gone.nii": "no such file",
            "flat.nii": "its affine leaves an axis without a length"}  # fmt: skip
    for name, text in says.items():
        with pytest.raises(InputError, match=f"{name}: .*{text}"):
            read_image(tmp_path / name)
    with pytest.raises(InputError, match=r"whole\.nii\.gz: no slice 20"):
        read_image(f"{whole}#slice=20")


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    first = read_image(_write(tmp_path / "a.nii", _ramp(0)), settings=ALL)
    second = read_image(_write(tmp_path / "a.nii", _ramp(1).astype(np.int32)), settings=ALL)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("codes", ["RAS", "LPS", "PIL"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_volume_of_one_slice_is_that_picture(tmp_path: Path, codes: str, axis: int) -> None:
    """Whichever axis has length 1, and whichever the settings would cut along."""
    values = generator(axis, "one slice").integers(0, 99, SHAPE).astype(np.int16).take([2], axis)
    whole = np.repeat(values, 3, axis)
    path = _write(tmp_path / "a.nii", values, codes)
    for cut in (0, 1, 2):
        settings = ReadSettings(axis=cut, percentiles=(0, 100), square_pixels=False)
        assert slice_count(path, settings=settings) == 1
        expected = read_image(_write(tmp_path / "b.nii", whole, codes), settings=replace(settings, axis=axis))
        np.testing.assert_array_equal(read_image(path, settings=settings), expected)
        mask = read_mask(path, settings=settings)
        np.testing.assert_array_equal(
            mask, read_mask(tmp_path / "b.nii", settings=replace(settings, axis=axis))
        )


def test_two_dimensions_are_a_volume_of_one_slice(tmp_path: Path) -> None:
    values = generator(0, "flat").integers(0, 99, (8, 6)).astype(np.int16)
    for name, affine in (("plain", np.eye(4)), ("flat", np.diag([1.0, 1.0, 0.0, 1.0]))):
        image = nibabel.Nifti1Image(values, np.eye(4))
        image.set_sform(affine, code=1)
        nibabel.save(image, tmp_path / f"{name}.nii.gz")
        flat = read_image(tmp_path / f"{name}.nii.gz", settings=ALL)
        deep = read_image(_write(tmp_path / "deep.nii", values[..., None]), settings=ALL)
        np.testing.assert_array_equal(flat, deep)
        assert flat.shape == (6, 8)
    assert slice_count(tmp_path / "plain.nii.gz") == 1


@pytest.mark.parametrize("shape", [(7,), (7, 1), (7, 1, 1), (1, 1, 1)])
def test_a_line_is_no_picture(tmp_path: Path, shape: tuple) -> None:
    nibabel.save(nibabel.Nifti1Image(np.ones(shape, np.int16), np.eye(4)), tmp_path / "a.nii")
    with pytest.raises(InputError, match=r"a\.nii: n(ot|either) a picture"):
        read_image(tmp_path / "a.nii")


def test_of_a_series_in_time_the_first_volume_is_read(tmp_path: Path) -> None:
    values = generator(0, "time").integers(0, 99, (*SHAPE, 3)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii.gz")
    first = read_image(_write(tmp_path / "b.nii", values[..., 0]), settings=ALL)
    np.testing.assert_array_equal(read_image(tmp_path / "a.nii.gz", settings=ALL), first)
    assert nifti_volume_count(tmp_path / "a.nii.gz") == 3
    assert nifti_volume_count(tmp_path / "b.nii") == 1


def test_colour_voxels_become_luma(tmp_path: Path) -> None:
    colour = generator(0, "voxels").integers(0, 255, (*SHAPE, 3)).astype(np.uint8)
    voxels = np.ascontiguousarray(colour).view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / "a.nii")
    luma = (colour @ np.array([0.299, 0.587, 0.114])).astype(np.float32)
    expected = read_image(_write(tmp_path / "b.nii", luma), settings=ALL)
    np.testing.assert_allclose(read_image(tmp_path / "a.nii", settings=ALL), expected, atol=1e-6)


@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
def test_a_header_that_claims_too_much_is_refused_before_memory_is_taken(tmp_path: Path, suffix: str) -> None:
    content = bytearray(nibabel.Nifti1Image(np.ones((9, 9, 9), np.int16), np.eye(4)).to_bytes())
    content[42:48] = np.array([2000, 2000, 200], "<i2").tobytes()  # dim[1] to dim[3] of NIfTI-1
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"a\.nii.*claims more pixels than the file can hold"):
        read_image(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6

"""Maps as NIfTI: the same voxel of the same place, for every orientation, series and frame."""

import itertools
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from nibabel.nicom.dicomwrappers import wrapper_from_file
from PIL import Image
from pydicom.dataset import Dataset

from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.data.reading.volumes import read_volume
from fusionmedclip.lab.scored import ScoredInput
from fusionmedclip.lab.writers.map_volumes import MapVolumeWriter
from tests.lab.dicoms import ct_series, multi_frame, oblique, projection


def write(folder: Path, maps: np.ndarray, *files: Path, axis: int | None = None) -> Path:
    count = len(maps)
    scored = ScoredInput(
        files=files,
        name="one",
        slices=tuple(map(str, range(count))),
        pixels=np.zeros(maps.shape, np.float32),
        maps=maps,
        scores=np.zeros(count),
        score=0.0,
        axis=axis,
    )
    MapVolumeWriter().write(scored, folder)
    return folder / "maps" / "one.nii.gz"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("axis", [0, 2])
def test_nifti_comes_back_in_its_own_order(tmp_path: Path, order: tuple, axis: int) -> None:
    affine = np.eye(4)
    for column, (direction, sign) in enumerate(zip(order, (-1, 1, -1), strict=True)):
        affine[direction, column] = sign * (1.5 + column)
    affine[:3, 3] = 7, -8, 9
    affine[0, 1] += 0.2  # leans a little
    values = np.arange(3 * 4 * 5 * 2, dtype=np.int16).reshape(3, 4, 5, 2)  # two volumes; the first is read
    image = nibabel.Nifti1Image(values, affine)
    image.set_sform(affine, code=4)
    image.set_qform(affine, code=1, strip_shears=True)
    nibabel.save(image, tmp_path / "scan.nii.gz")
    settings = ReadSettings(axis=axis, percentiles=(0, 100), square_pixels=False)
    maps = read_volume(tmp_path / "scan.nii.gz", settings=settings).slices
    written = nibabel.load(write(tmp_path, maps, tmp_path / "scan.nii.gz", axis=axis))
    original = nibabel.load(tmp_path / "scan.nii.gz")
    assert written.shape == (3, 4, 5)
    first = values[..., 0].astype(float)
    np.testing.assert_allclose(written.get_fdata(), first / first.max(), atol=1e-6)
    np.testing.assert_array_equal(written.affine, original.affine)
    for form in ("get_sform", "get_qform"):
        for ours, theirs in zip(
            getattr(written, form)(coded=True), getattr(original, form)(coded=True), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


def place(path: Path, row: int, column: int) -> np.ndarray:
    """Of a pixel, in LPS, by the standard's equation written out."""
    header = pydicom.dcmread(path)
    along_row, along_column = np.reshape([float(x) for x in header.ImageOrientationPatient], (2, 3))
    rows, columns = map(float, header.PixelSpacing)
    start = np.array([float(x) for x in header.ImagePositionPatient])
    return start + along_row * columns * column + along_column * rows * row


def test_a_series_lies_where_its_slices_lie(tmp_path: Path) -> None:
    files = ct_series(tmp_path / "series")
    maps = np.random.default_rng(0).random((4, 20, 24), np.float32)
    written = nibabel.load(write(tmp_path, maps, *files))
    assert written.shape == (24, 20, 4)
    assert written.header["sform_code"] == 1
    for number, row, column in [(0, 0, 0), (3, 19, 23), (2, 5, 11)]:
        x, y, z = place(files[number], row, column)
        there = np.linalg.inv(written.affine) @ [-x, -y, z, 1]  # RAS
        np.testing.assert_allclose(there[:3], [column, row, number], atol=1e-3)
        assert written.get_fdata()[column, row, number] == maps[number, row, column]
    theirs = wrapper_from_file(files[0]).affine  # nibabel's own: (row, column, slice) to LPS
    ours = np.diag([-1, -1, 1, 1]) @ written.affine
    np.testing.assert_allclose(ours[:, [1, 0, 3]], theirs[:, [0, 1, 3]], atol=1e-4)


def test_slices_that_lean_keep_their_places(tmp_path: Path) -> None:
    _, column, normal = oblique()
    steps = np.arange(3)[:, None] * (2.5 * normal + 0.4 * column)  # as of a tilted gantry
    files = ct_series(tmp_path / "series", steps=steps)
    affine = nibabel.load(write(tmp_path, np.zeros((3, 20, 24), np.float32), *files)).affine
    x, y, z = place(files[2], 4, 9)
    np.testing.assert_allclose(affine @ [9, 4, 2, 1], [-x, -y, z, 1], atol=1e-3)


def test_slices_at_unequal_distances_get_no_volume(tmp_path: Path) -> None:
    _, _, normal = oblique()
    files = ct_series(tmp_path / "series", steps=np.array([0, 2.5, 6.0])[:, None] * normal)
    assert not write(tmp_path, np.zeros((3, 20, 24), np.float32), *files).exists()


def test_frames_that_say_where_they_lie(tmp_path: Path) -> None:
    path = multi_frame(tmp_path / "film.dcm")
    header = pydicom.dcmread(path)
    row, column, normal = oblique()

    def item(**values) -> Dataset:
        made = Dataset()
        for keyword, value in values.items():
            setattr(made, keyword, value)
        return made

    header.SharedFunctionalGroupsSequence = [
        item(
            PixelMeasuresSequence=[item(PixelSpacing=[0.3, 0.4], SliceThickness=2)],
            PlaneOrientationSequence=[item(ImageOrientationPatient=[*row, *column])],
        )
    ]
    positions = [(np.array([1.0, 2, 3]) + n * 2 * normal).round(6).tolist() for n in range(3)]
    header.PerFrameFunctionalGroupsSequence = [
        item(PlanePositionSequence=[item(ImagePositionPatient=position)]) for position in positions
    ]
    header.save_as(path)
    affine = nibabel.load(write(tmp_path, np.zeros((3, 40, 30), np.float32), path)).affine
    x, y, z = np.array([1.0, 2, 3]) + 4 * normal + 7 * 0.4 * row + 5 * 0.3 * column
    np.testing.assert_allclose(affine @ [7, 5, 2, 1], [-x, -y, z, 1], atol=1e-3)


def test_what_has_no_place_says_so(tmp_path: Path) -> None:
    Image.new("L", (30, 40)).save(tmp_path / "photo.png")
    inputs = (
        (tmp_path / "photo.png", 1, (1, 1, 1)),
        (projection(tmp_path / "x.dcm"), 1, (0.2, 0.2, 1)),
        (multi_frame(tmp_path / "film.dcm"), 3, (1, 1, 1)),
    )
    for file, count, zooms in inputs:
        maps = np.random.default_rng(1).random((count, 40, 30), np.float32)
        image = nibabel.load(write(tmp_path, maps, file))
        assert (image.header["sform_code"], image.header["qform_code"]) == (0, 0)
        np.testing.assert_allclose(image.header.get_zooms(), zooms, rtol=1e-6)
        np.testing.assert_array_equal(image.get_fdata(), maps.transpose(2, 1, 0))


def test_maps_of_square_pixels_are_brought_back(tmp_path: Path) -> None:
    """A radiograph whose pixels were made square is read at another size than it is stored."""
    file = projection(tmp_path / "x.dcm")
    ramp = np.repeat(np.linspace(0, 1, 90, dtype=np.float32)[None], 120, axis=0)[None]
    image = nibabel.load(write(tmp_path, ramp, file))
    assert image.shape == (30, 40, 1)
    np.testing.assert_allclose(image.get_fdata()[:, 7, 0], (np.arange(30) * 3 + 1) / 89, atol=1e-6)


def test_methods_without_maps_write_none(tmp_path: Path, scored: Callable) -> None:
    MapVolumeWriter().write(scored("a", 0.4, maps=None), tmp_path)
    assert not (tmp_path / "maps").exists()

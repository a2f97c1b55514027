"""An image and its mask: the same voxels in the same place, slice for slice."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data.reading.read import read_with_mask
from fusionmedclip.errors import InputError

SHAPE = (20, 24, 9)
SCANNER = np.array([[-0.9, 0, 0, 90], [0, -0.9, 0, 120], [0, 0, 2, -40], [0, 0, 0, 1]])
LESION = np.zeros(SHAPE, np.uint8)
LESION[3:6, 4:8] = 1


def _write(path: Path, values: np.ndarray, affine: np.ndarray = SCANNER) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


def _moved(millimetres: float) -> np.ndarray:
    affine = SCANNER.copy()
    affine[0, 3] += millimetres
    return affine


def _pages(path: Path, *values: int) -> Path:
    pages = [Image.fromarray(np.arange(30, dtype=np.uint8).reshape(5, 6) + value) for value in values]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


@pytest.mark.parametrize("affine", [np.eye(4), _moved(100), _moved(0.2), np.diag([1, 1, -1, 1]) @ SCANNER])
def test_a_mask_elsewhere_in_space_is_refused(tmp_path: Path, affine: np.ndarray) -> None:
    image = _write(tmp_path / "a.nii.gz", LESION * 100 + 7)
    with pytest.raises(
        InputError, match=r"m\.nii: mask and image \(a\.nii\.gz\) do not lie in the same place"
    ):
        read_with_mask(image, [_write(tmp_path / "m.nii", LESION, affine)])


def test_a_mask_in_the_same_place_fits_however_it_is_stored(tmp_path: Path) -> None:
    image = _write(tmp_path / "a.nii.gz", LESION * np.int16(100))
    turned = nibabel.as_closest_canonical(nibabel.Nifti1Image(LESION, SCANNER))
    assert not np.allclose(turned.affine, SCANNER)
    nibabel.save(turned, tmp_path / "turned.nii")
    for mask in (tmp_path / "turned.nii", _write(tmp_path / "near.nii", LESION, _moved(0.05))):
        grey, lesion = read_with_mask(image, [mask])
        assert lesion.sum() == 3 * 4
        np.testing.assert_array_equal(grey == 1, lesion)


@pytest.mark.parametrize("count", [1, 8])
def test_a_mask_of_other_slices_is_refused(tmp_path: Path, count: int) -> None:
    image = _write(tmp_path / "a.nii.gz", LESION * np.int16(100))
    mask = _write(tmp_path / "m.nii", LESION[:, :, :count])
    for name in (image, f"{image}#slice=2"):
        with pytest.raises(
            InputError, match=rf"m\.nii: .*differ in size\n.*mask 20 x 24 x {count}, image 20 x 24 x 9"
        ):
            read_with_mask(name, [mask])


def test_stacks_and_masks_of_other_numbers_of_pages(tmp_path: Path) -> None:
    image, mask = _pages(tmp_path / "a.tif", 0, 50, 100), _pages(tmp_path / "m.tif", 0, 0)
    with pytest.raises(
        InputError, match=r"m\.tif: mask and image differ in their number of slices\n.*mask 2, image 3"
    ):
        read_with_mask(image, [mask])
    with pytest.raises(InputError, match="mask 1, image 3"):
        read_with_mask(image, [_pages(tmp_path / "one.tif", 120)])
    _, alone = read_with_mask(f"{image}#slice=1", [tmp_path / "one.tif"])  # for the picture that is named
    assert alone.sum() == 22  # of 120 to 149 those above 127
    _, first = read_with_mask(_pages(tmp_path / "b.tif", 0, 50), [tmp_path / "one.tif"])
    assert first.sum() == 22


def test_a_mask_without_a_slice_takes_its_images(tmp_path: Path) -> None:
    one = np.zeros(SHAPE, np.uint8)
    one[5:7, 5:7, 2] = 1
    image = _write(tmp_path / "a.nii.gz", LESION * np.int16(100))
    assert [
        read_with_mask(f"{image}#slice={n}", [_write(tmp_path / "m.nii", one)])[1].sum() for n in (2, 4)
    ] == [4, 0]
    image, mask = _pages(tmp_path / "a.tif", 0, 50, 100), _pages(tmp_path / "m.tif", 0, 100, 200)
    assert [read_with_mask(f"{image}#slice={n}", [mask])[1].sum() for n in (0, 1, 2)] == [0, 2, 30]

"""EXIF and TIFF orientations: Pillow's own transposition is the reference."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from fusionmedclip.data import ReadSettings, read_image, read_mask
from fusionmedclip.data.reading.read import read_with_mask
from fusionmedclip.data.reading.turning import stored_as, turn
from fusionmedclip.errors import InputError
from tests.data.reading.raster.made import ORIENTATION, write_tiff

STORED = np.arange(54, dtype=np.uint8).reshape(6, 9) * 4
AS_STORED = ReadSettings(exif=False)


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _shown(array: np.ndarray, orientation: int) -> np.ndarray:
    picture = Image.fromarray(array)
    picture.getexif()[0x0112] = orientation
    return np.asarray(ImageOps.exif_transpose(picture))


def _write(path: Path, array: np.ndarray, orientation: int) -> Path:
    if path.suffix == ".tif":
        return write_tiff(path, (array, {ORIENTATION: orientation}))
    Image.fromarray(array).save(path, exif=_exif(orientation))
    return path


@pytest.mark.parametrize("orientation", range(10))
def test_turn_and_back(orientation: int) -> None:
    np.testing.assert_array_equal(turn(STORED, orientation), _shown(STORED, orientation))
    np.testing.assert_array_equal(stored_as(turn(STORED, orientation), orientation), STORED)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_and_masks_are_turned_or_left_alike(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"a.{suffix}"
    array = STORED if suffix != "webp" else (STORED > 100).astype(np.uint8) * 255  # lossy; edges survive
    if suffix == "webp":
        Image.fromarray(array).convert("RGB").save(path, exif=_exif(orientation), lossless=True)
    else:
        _write(path, array, orientation)
    np.testing.assert_allclose(read_image(path) * 255, _shown(array, orientation), atol=0.51)
    np.testing.assert_allclose(read_image(path, settings=AS_STORED) * 255, array, atol=0.51)
    np.testing.assert_array_equal(read_mask(path), _shown(array, orientation) > 127)
    np.testing.assert_array_equal(read_mask(path, settings=AS_STORED), array > 127)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_that_fits_the_stored_picture_only_is_turned_with_it(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    lesion = STORED > 120
    image = _write(tmp_path / f"a.{suffix}", STORED, orientation)
    Image.fromarray(lesion).save(tmp_path / "mask.png")
    picture, mask = read_with_mask(image, [tmp_path / "mask.png"])
    np.testing.assert_array_equal(mask, _shown(lesion.astype(np.uint8), orientation) > 0)
    assert picture[mask].min() > picture[~mask].max()
    picture, mask = read_with_mask(image, [tmp_path / "mask.png"], settings=AS_STORED)
    np.testing.assert_array_equal(mask, lesion)


def test_a_mask_that_is_turned_by_itself_is_not_turned_again(tmp_path: Path) -> None:
    image = _write(tmp_path / "a.png", STORED, 6)
    for name, orientation, array in (("same", 6, STORED), ("upright", 1, _shown(STORED, 6))):
        mask = _write(tmp_path / f"{name}.png", array, orientation)
        picture, read = read_with_mask(image, [mask])
        np.testing.assert_array_equal(read, picture * 255 > 127)


def test_a_mask_that_fits_neither_way_is_refused(tmp_path: Path) -> None:
    image = _write(tmp_path / "a.png", STORED, 6)
    Image.fromarray(STORED[:, :5]).save(tmp_path / "mask.png")
    with pytest.raises(InputError, match=r"mask\.png: mask and image differ in size"):
        read_with_mask(image, [tmp_path / "mask.png"])

"""Raster files of every mode; expected values are worked out by hand from the stored numbers."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data import ReadSettings, read_image, read_mask
from fusionmedclip.errors import InputError

RGB = np.array([[[200, 30, 90], [0, 0, 0]], [[255, 255, 255], [10, 240, 5]]], np.uint8)
LUMA = [[(299 * r + 587 * g + 114 * b) / 1000 for r, g, b in row] for row in RGB.tolist()]


def test_eight_bits_are_divided_by_255(tmp_path: Path) -> None:
    stored = np.arange(256, dtype=np.uint8).reshape(8, 32)
    Image.fromarray(stored).save(tmp_path / "a.png")
    grey = read_image(tmp_path / "a.png")
    assert grey.dtype == np.float32
    np.testing.assert_array_equal(grey, stored.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_divided_by_65535(tmp_path: Path, suffix: str) -> None:
    stored = np.array([[0, 1, 4095], [32768, 65534, 65535]], np.uint16)
    assert cv2.imwrite(str(tmp_path / f"a.{suffix}"), stored)
    np.testing.assert_allclose(read_image(tmp_path / f"a.{suffix}"), stored / 65535, rtol=0, atol=1e-7)


def test_value_range_stretches_twelve_bits_in_sixteen(tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "a.png"), np.array([[0, 2048, 4095, 9000]] * 2, np.uint16))
    grey = read_image(tmp_path / "a.png", settings=ReadSettings(value_range=(0, 4095)))
    np.testing.assert_allclose(grey, [[0, 2048 / 4095, 1, 1]] * 2, atol=1e-6)


def test_sixteen_bit_tiff_with_white_as_zero(tmp_path: Path) -> None:
    stored = np.array([[0, 1000, 65535]] * 2, np.uint16)
    Image.fromarray(stored).save(tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    entry = struct.pack("<HHI", 262, 3, 1)  # PhotometricInterpretation, one SHORT
    at = data.index(entry) + len(entry)
    (tmp_path / "b.tif").write_bytes(data[:at] + struct.pack("<H", 0) + data[at + 2 :])
    np.testing.assert_allclose(
        read_image(tmp_path / "b.tif"), (65535 - stored.astype(float)) / 65535, atol=1e-7
    )


def test_floating_point_tiff(tmp_path: Path) -> None:
    unit = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)
    Image.fromarray(unit).save(tmp_path / "unit.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "unit.tif"), unit)
    values = np.linspace(-1000, 3000, 201, dtype=np.float32).reshape(3, 67)
    Image.fromarray(values).save(tmp_path / "hu.tif")
    grey = read_image(tmp_path / "hu.tif", settings=ReadSettings(percentiles=(0, 100)))
    np.testing.assert_allclose(grey, (values + 1000) / 4000, atol=1e-6)
    values[0, 0] = np.nan
    Image.fromarray(values).save(tmp_path / "nan.tif")
    with pytest.raises(InputError, match=r"nan\.tif: holds NaN"):
        read_image(tmp_path / "nan.tif")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK"])
def test_colour_is_forced_into_one_grey(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(RGB)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(np.array([[0, 99], [255, 3]], np.uint8)))
    elif mode == "P":
        image = image.quantize(8)
    elif mode == "CMYK":
        image = image.convert("CMYK")
    image.save(tmp_path / ("a.tif" if mode == "CMYK" else "a.png"))
    grey = read_image(tmp_path / ("a.tif" if mode == "CMYK" else "a.png"))
    np.testing.assert_allclose(grey * 255, LUMA, atol=0.51)


@pytest.mark.parametrize("mode", ["1", "LA"])
def test_one_bit_and_grey_with_alpha(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(np.array([[0, 255, 0]] * 2, np.uint8)).convert(mode)
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), [[0, 1, 0]] * 2)


def test_format_comes_from_the_bytes_not_the_suffix(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg") * 255, LUMA, atol=0.51)


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    stored = np.zeros((16, 32), np.uint8)
    stored[:8] = 255  # white above
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise: white to the right
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif, quality=100)
    grey = read_image(tmp_path / "a.jpg")
    assert grey.shape == (32, 16)
    assert grey[:, 9:].min() > 0.9
    assert grey[:, :7].max() < 0.1


def test_frames_of_a_stack(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((4, 5), 40 * n, np.uint8)) for n in range(5)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "a.tif").max() * 255 == pytest.approx(80)  # the middle one
    assert read_image(tmp_path / "a.tif", settings=ReadSettings(slice=4)).max() * 255 == pytest.approx(160)
    with pytest.raises(InputError, match="0 to 4"):
        read_image(tmp_path / "a.tif", settings=ReadSettings(slice=5))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_truncated_file_is_named(tmp_path: Path, picture, suffix: str) -> None:
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(picture(0, (200, 200))).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=rf"cut\.{suffix}"):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "empty file"), (b"Dear reader, this is no picture.", "not an image")]
)
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(InputError, match=rf"x\.png: {says}"):
        read_image(tmp_path / "x.png")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.png: no such file"):
        read_image(tmp_path / "gone.png")


def test_mask_is_the_union_of_files_of_any_mode(tmp_path: Path) -> None:
    one, two = np.zeros((6, 7), np.uint8), np.zeros((6, 7), np.uint8)
    one[1, 1], two[4, 5], two[0, 0] = 255, 128, 127
    Image.fromarray(one).convert("1").save(tmp_path / "one.png")
    Image.fromarray(two).convert("RGBA").save(tmp_path / "two.png")
    mask = read_mask([tmp_path / "one.png", tmp_path / "two.png"])
    assert mask.dtype == bool
    assert [tuple(at) for at in np.argwhere(mask).tolist()] == [(1, 1), (4, 5)]


def test_masks_of_different_size(tmp_path: Path) -> None:
    Image.new("L", (7, 6)).save(tmp_path / "one.png")
    Image.new("L", (6, 7)).save(tmp_path / "two.png")
    with pytest.raises(InputError, match=r"two\.png.*differ in size"):
        read_mask([tmp_path / "one.png", tmp_path / "two.png"])
    with pytest.raises(InputError, match="no mask file"):
        read_mask([])

"""Values deeper than 8 bits arrive as they are stored; expected values are the stored ones."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from fusionmedclip.data import ReadSettings, read_image, read_mask
from fusionmedclip.errors import InputError
from tests.data.reading.raster.made import ORIENTATION, PHOTOMETRIC, SAMPLE_FORMAT, write_tiff

GREY = (np.arange(40 * 48).reshape(40, 48) * 34).astype(np.uint16)  # all different, up to 65,246
LUMA = np.array([0.299, 0.587, 0.114])


def _colour(grey: np.ndarray = GREY) -> np.ndarray:
    """Red, green and blue differ in the low bits."""
    return np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)


@pytest.mark.parametrize("suffix", ["png", "tif", "ppm", "jp2"])
def test_sixteen_bit_colour_keeps_its_bits(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    lossless = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if suffix == "jp2" else []
    assert cv2.imwrite(str(path), _colour()[..., ::-1], lossless)
    np.testing.assert_allclose(read_image(path), _colour() @ LUMA / 65535, atol=1e-6)
    twelve = read_image(path, settings=ReadSettings(value_range=(0, 4095)))
    np.testing.assert_allclose(twelve, np.clip(_colour() @ LUMA / 4095, 0, 1), atol=1e-6)


def test_sixteen_bits_with_alpha(tmp_path: Path) -> None:
    alpha = np.full((40, 48, 1), 65535, np.uint16)
    for name, pixels in {"rgba": _colour()[..., ::-1], "la": np.stack([GREY] * 3, axis=-1)}.items():
        assert cv2.imwrite(str(tmp_path / f"{name}.png"), np.concatenate([pixels, alpha], axis=-1))
        expected = pixels[..., ::-1] @ LUMA / 65535
        np.testing.assert_allclose(read_image(tmp_path / f"{name}.png"), expected, atol=1e-6)


def test_sixteen_bit_colour_of_one_page_among_several(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", *((_colour(GREY // n), {}) for n in (1, 2, 3)))
    for page, divisor in enumerate((1, 2, 3)):
        expected = _colour(GREY // divisor) @ LUMA / 65535
        np.testing.assert_allclose(read_image(f"{path}#slice={page}"), expected, atol=1e-6)


def test_sixteen_bit_colour_that_would_be_turned_is_refused(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", (_colour(), {ORIENTATION: 6}))
    with pytest.raises(InputError, match=r"a\.tif: colour of 16 bits in a form that is not read"):
        read_image(path)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("turned", [1, 6])
def test_sixteen_bit_grey_tiff(tmp_path: Path, big_endian: bool, turned: int) -> None:
    path = write_tiff(tmp_path / "a.tif", (GREY, {ORIENTATION: turned}), big_endian=big_endian)
    expected = np.rot90(GREY, -1) if turned == 6 else GREY
    np.testing.assert_allclose(read_image(path), expected / 65535, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint32, np.int32])
def test_signed_and_long_integers(tmp_path: Path, dtype: type) -> None:
    span = np.iinfo(dtype)
    values = np.linspace(span.min, span.max, 60).astype(dtype).reshape(6, 10)
    path = write_tiff(tmp_path / "a.tif", (values, {SAMPLE_FORMAT: 1 if span.min == 0 else 2}))
    whole = read_image(path, settings=ReadSettings(percentiles=(0, 100)))
    expected = (values.astype(float) - values.min()) / (float(values.max()) - values.min())
    np.testing.assert_allclose(whole, expected, atol=1e-6)
    upper = read_image(path, settings=ReadSettings(value_range=(0, float(span.max))))
    np.testing.assert_allclose(upper, np.clip(values.astype(float) / span.max, 0, 1), atol=1e-6)


def test_floating_point_with_white_as_zero(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 60, dtype=np.float32).reshape(6, 10)
    path = write_tiff(tmp_path / "a.tif", (values, {SAMPLE_FORMAT: 3, PHOTOMETRIC: 0}))
    np.testing.assert_allclose(read_image(path), 1 - values, atol=1e-6)


@pytest.mark.parametrize("maxval", [4095, 65535])
def test_pgm_of_more_than_eight_bits(tmp_path: Path, maxval: int) -> None:
    values = (GREY % maxval).astype(np.uint16)
    (tmp_path / "a.pgm").write_bytes(b"P5\n48 40\n%d\n" % maxval + values.astype(">u2").tobytes())
    np.testing.assert_allclose(read_image(tmp_path / "a.pgm"), values / maxval, atol=1e-6)
    ranged = read_image(tmp_path / "a.pgm", settings=ReadSettings(value_range=(0, 2000)))
    np.testing.assert_allclose(ranged, np.clip(values / 2000, 0, 1), atol=1e-6)


def test_lab_is_read_through_its_colours(tmp_path: Path, picture) -> None:
    rgb = Image.fromarray(np.stack([picture(n) for n in range(3)], axis=-1))
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    ImageCms.profileToProfile(rgb, srgb, lab, outputMode="LAB").save(tmp_path / "a.tif")
    difference = read_image(tmp_path / "a.tif") - np.asarray(rgb.convert("L")) / 255
    assert np.median(np.abs(difference)) < 0.02


@pytest.mark.parametrize("coloured", [True, False])
def test_sixteen_bit_masks(tmp_path: Path, coloured: bool) -> None:
    stored = np.zeros((40, 48), np.uint16)
    stored[:5], stored[5:9], stored[9:11] = 65535, 32768, 32767
    assert cv2.imwrite(str(tmp_path / "a.png"), np.stack([stored] * 3, axis=-1) if coloured else stored)
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), stored > 32767)
    nonzero = read_mask(tmp_path / "a.png", settings=ReadSettings(mask="nonzero"))
    np.testing.assert_array_equal(nonzero, stored > 0)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_jpeg_2000_of_odd_depth(tmp_path: Path, bits: int) -> None:
    from openjpeg.utils import encode_array

    stored = GREY & (2**bits - 1)
    (tmp_path / "a.j2k").write_bytes(encode_array(stored, bits_stored=bits, photometric_interpretation=2))
    np.testing.assert_allclose(read_image(tmp_path / "a.j2k"), stored / (2**bits - 1), atol=1e-6)
    ranged = read_image(tmp_path / "a.j2k", settings=ReadSettings(value_range=(0, 500)))
    np.testing.assert_allclose(ranged, np.clip(stored / 500, 0, 1), atol=1e-6)

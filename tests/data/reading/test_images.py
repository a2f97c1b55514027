"""The single entrance for user input."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data import load_images, read_image, read_mask, resize_image, resize_mask
from fusionmedclip.errors import InputError


def test_paths_and_arrays_of_the_same_pixels_agree(tmp_path: Path, picture) -> None:
    colour = np.stack([picture(1), picture(2), picture(3)], axis=-1)
    Image.fromarray(colour).save(tmp_path / "a.png")
    from_path = load_images([tmp_path / "a.png"], 24)
    assert from_path.shape == (1, 24, 24)
    assert from_path.dtype == np.float32
    np.testing.assert_array_equal(load_images(colour[None], 24), from_path)
    np.testing.assert_array_equal(load_images(str(tmp_path), 24), from_path)
    np.testing.assert_array_equal(load_images([colour], 24), from_path)
    unrounded = load_images(colour[None].astype(np.float32) / 255, 24)
    np.testing.assert_allclose(unrounded, from_path, atol=0.6 / 255)


def test_types_of_arrays(picture) -> None:
    grey = picture(1, (24, 24))
    expected = grey[None] / 255
    np.testing.assert_allclose(load_images(grey[None], 24), expected, atol=1e-6)
    np.testing.assert_allclose(load_images((grey.astype(np.uint16) * 257)[None], 24), expected, atol=1e-6)
    np.testing.assert_allclose(load_images(expected.astype(np.float64), 24), expected, atol=1e-6)
    np.testing.assert_array_equal(load_images(np.eye(24, dtype=bool)[None], 24)[0], np.eye(24))


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((0, 5, 5)), "no images"),
        (np.zeros((4, 4)), "not a batch"),
        (np.zeros((4, 4, 3)), "not a batch"),
        (np.zeros((2, 4, 4, 2)), "not a batch"),
        (np.full((1, 5, 5), 200.0), "must lie in"),
        (np.full((1, 5, 5), np.nan), "NaN"),
        (np.zeros((1, 5, 5), np.int64), "type of pixels"),
        ([], "no images"),
    ],
)
def test_wrong_arrays(array: np.ndarray, says: str) -> None:
    with pytest.raises(InputError, match=says):
        load_images(array, 8)


def test_folder_without_images(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no image files"):
        load_images(tmp_path, 8)


def test_resize_is_antialiased_and_clipped() -> None:
    stripes = np.tile(np.array([[0.0, 1.0]], np.float32), (64, 32))  # period of 2 pixels
    small = resize_image(stripes, 16)
    np.testing.assert_allclose(small[:, 2:-2], 0.5, atol=0.02)  # without antialiasing it would be 0 or 1
    edge = np.repeat(np.array([[0.0, 1.0]], np.float32), 8, axis=1)
    large = resize_image(edge, 64)
    assert large.min() == 0
    assert large.max() == 1
    assert large.shape == (64, 64)


def test_resize_agrees_with_another_library_on_smooth_pictures(picture) -> None:
    image = picture(5, (96, 160)).astype(np.float32) / 255
    other = cv2.resize(image, (224, 224), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_allclose(resize_image(image, 224), np.clip(other, 0, 1), atol=0.03)


def test_resize_mask_keeps_two_values() -> None:
    mask = np.zeros((50, 80), bool)
    mask[10:30, 20:60] = True
    small = resize_mask(mask, 40)
    assert small.dtype == bool
    assert small.mean() == pytest.approx(mask.mean(), abs=0.02)


def test_nothing_is_rounded_to_eight_bits(tmp_path: Path) -> None:
    stored = (np.arange(64 * 64, dtype=np.uint16) * 3).reshape(64, 64)
    assert cv2.imwrite(str(tmp_path / "a.png"), stored)
    assert len(np.unique(resize_image(read_image(tmp_path / "a.png"), 64))) == 64 * 64


def test_8_bit_values_in_16_bits_are_asked_about() -> None:
    stored = np.arange(64, dtype=np.uint16).reshape(1, 8, 8)
    with pytest.raises(InputError, match="uint16 that holds 8-bit values"):
        load_images(stored, 8)
    assert load_images(stored * 100, 8).max() == pytest.approx(6300 / 65535)
    assert load_images(np.zeros((1, 8, 8), np.uint16), 8).max() == 0


@pytest.mark.parametrize("path", [None, 5, b"a.png"])
@pytest.mark.parametrize("read", [read_image, read_mask])
def test_what_is_no_path_is_an_input_error(read, path: object) -> None:
    with pytest.raises(InputError, match="not a path"):
        read([path] if read is read_mask else path)


def test_the_mask_of_an_array_is_asked_about(picture) -> None:
    """What is masked would be read as if it were not; a mask that hides nothing changes nothing."""
    batch = np.stack([picture(1, (24, 24)), picture(2, (24, 24))])
    for given in (np.ma.masked_greater(batch, 100), [np.ma.masked_greater(batch[0], 100)]):
        with pytest.raises(InputError, match=r"(?s)masked array.*filled"):
            load_images(given, 24)
    np.testing.assert_array_equal(load_images(np.ma.array(batch), 24), load_images(batch, 24))

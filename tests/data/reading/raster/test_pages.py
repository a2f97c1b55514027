"""Which frame of a file is the picture."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data import ReadSettings, read_image
from fusionmedclip.data.reading.raster.image import frames_of
from fusionmedclip.data.reading.volumes import read_volume
from fusionmedclip.errors import InputError
from tests.data.reading.raster.made import SUBFILE_TYPE, write_tiff

PICTURE, PREVIEW = np.arange(48, dtype=np.uint8).reshape(6, 8), np.full((3, 4), 250, np.uint8)


def _is_the_picture(path: Path) -> bool:
    return np.array_equal(read_image(path) * 255, PICTURE) and frames_of(path) == 1


def test_a_camera_picture_is_not_its_preview(tmp_path: Path) -> None:
    whole, small = (Image.fromarray(array).convert("RGB") for array in (PICTURE, PREVIEW))
    whole.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[small, small], quality=100)
    assert Image.open(tmp_path / "a.jpg").n_frames == 3
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg") * 255, PICTURE, atol=3)
    assert frames_of(tmp_path / "a.jpg") == 1
    with pytest.raises(InputError, match="no frame 1"):
        read_image(tmp_path / "a.jpg", settings=ReadSettings(slice=1))


@pytest.mark.parametrize("marked", [0, 1], ids=["by its size", "by its tag"])
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_tiff_is_not_its_preview(tmp_path: Path, marked: int, first: bool) -> None:
    pages = [(PICTURE, {}), (PREVIEW, {SUBFILE_TYPE: marked})]
    assert _is_the_picture(write_tiff(tmp_path / "a.tif", *(pages[::-1] if first else pages)))


def test_a_reduced_copy_of_nearly_full_size_and_a_transparency_mask_are_no_pictures(tmp_path: Path) -> None:
    mask = np.full(PICTURE.shape, 255, np.uint8)
    pages = [(PICTURE, {}), (mask[:5, :7], {SUBFILE_TYPE: 1}), (mask, {SUBFILE_TYPE: 4})]
    assert _is_the_picture(write_tiff(tmp_path / "a.tif", *pages))


def test_the_only_page_is_the_picture_whatever_it_says(tmp_path: Path) -> None:
    assert _is_the_picture(write_tiff(tmp_path / "a.tif", (PICTURE, {SUBFILE_TYPE: 1})))


@pytest.mark.parametrize(("count", "taken"), [(2, 0), (3, 1), (4, 1), (5, 2)])
def test_of_several_the_middle_one_is_taken_and_of_two_the_first(
    tmp_path: Path, count: int, taken: int
) -> None:
    path = write_tiff(tmp_path / "a.tif", *((PICTURE + n, {}) for n in range(count)))
    np.testing.assert_array_equal(np.rint(read_image(path) * 255), PICTURE + taken)


def test_previews_between_the_pages_of_a_stack_do_not_count(tmp_path: Path) -> None:
    pages = [(PICTURE + n, {}) for n in range(3)]
    between = [page for whole in pages for page in (whole, (PREVIEW, {}))]
    path = write_tiff(tmp_path / "a.tif", *between)
    assert frames_of(path) == 3
    stack = np.stack([PICTURE + n for n in range(3)])
    np.testing.assert_array_equal(np.rint(read_volume(path).slices * 255), stack)
    np.testing.assert_array_equal(np.rint(read_image(f"{path}#slice=2") * 255), stack[2])


def test_pages_of_several_sizes_are_refused(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", (PICTURE, {}), (PICTURE[:, :5], {}))
    with pytest.raises(InputError, match=r"a\.tif: pages of several sizes\s+received: '5 x 6, 8 x 6'"):
        read_image(path)
    with pytest.raises(InputError, match=r"a\.tif: pages of several sizes"):
        read_volume(path)


def test_reduced_copies_alone_are_refused(tmp_path: Path) -> None:
    pages = [(PREVIEW, {SUBFILE_TYPE: 1}), (PREVIEW[:2, :2], {SUBFILE_TYPE: 1})]
    with pytest.raises(InputError, match=r"a\.tif: holds reduced copies only"):
        read_image(write_tiff(tmp_path / "a.tif", *pages))


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_animations_are_stacks(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (8, 6), (n, n, n)) for n in (0, 90, 180)]
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **options)
    assert frames_of(tmp_path / f"a.{suffix}") == 3
    np.testing.assert_allclose(read_image(tmp_path / f"a.{suffix}") * 255, 90, atol=1)


@pytest.mark.parametrize("form", ["ICO", "PCX", "TGA", "EPS"])
def test_formats_outside_the_list_are_refused(tmp_path: Path, form: str) -> None:
    """Some hold icons of several sizes or layers, some start another program."""
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png", form)
    with pytest.raises(InputError, match=r"a\.png: not an image this project can read"):
        read_image(tmp_path / "a.png")


def test_more_frames_than_bytes_are_refused_before_they_are_counted(tmp_path: Path) -> None:
    first, second = (Image.fromarray(np.full((8, 8), grey, np.uint8)) for grey in (0, 200))
    first.save(tmp_path / "a.png", save_all=True, append_images=[second])
    data = (tmp_path / "a.png").read_bytes()
    start = data.index(b"acTL")
    chunk = b"acTL" + struct.pack(">II", 2**30, 0)
    changed = data[:start] + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[start + 16 :]
    (tmp_path / "a.png").write_bytes(changed)
    with pytest.raises(InputError, match=r"a\.png: claims more pages than its bytes can hold"):
        read_image(tmp_path / "a.png")

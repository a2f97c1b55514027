"""Raster files whose data are more or fewer than the header says, and scales that are not 255 or 65535."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data import read_image
from fusionmedclip.data.reading.raster.png_rows import check_rows
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator
from tests.data.reading.raster.made import write_tiff

ROWS, DESCRIPTION, PLANAR = 278, 270, 284
NOISE = generator(0, "lengths").integers(1, 256, (90, 101)).astype(np.uint8)


def _png(path: Path, raw: bytes, *, size: tuple[int, int], bits: int = 8, interlaced: bool = False) -> Path:
    header = struct.pack(">IIBBBBB", *size, bits, 0, 0, 0, interlaced)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    parts = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def _rows(pixels: np.ndarray) -> bytes:
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def _interlaced(pixels: np.ndarray) -> bytes:
    """Adam7, by the picture of it in the PNG standard: the pass that each pixel of 8 x 8 belongs to."""
    passes = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"]
    raw = b""
    for number in "1234567":
        for y, row in enumerate(pixels):
            line = bytes(value for x, value in enumerate(row) if passes[y % 8][x % 8] == number)
            raw += b"\0" + line if line else b""
    return raw


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("last", ["bright", "black"])
def test_png_rows_that_never_came(tmp_path: Path, interlaced: bool, last: str) -> None:
    pixels = NOISE.copy()
    pixels[-1] *= last == "bright"
    raw = (_interlaced if interlaced else _rows)(pixels)
    whole = _png(tmp_path / "whole.png", raw, size=(101, 90), interlaced=interlaced)
    np.testing.assert_array_equal(read_image(whole), pixels.astype(np.float32) / np.float32(255))
    for keep in (len(raw) // 2, len(raw) - 1):
        cut = _png(tmp_path / "cut.png", raw[:keep], size=(101, 90), interlaced=interlaced)
        own = rf"{keep:,} bytes of rows'\n  allowed:  {len(raw):,}, of 101 x 90"
        with pytest.raises(InputError, match=rf"cut\.png: (.|\n)*({own}|file is truncated)"):
            read_image(cut)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 8), (13, 9)])
def test_interlaced_rows_are_counted_pass_by_pass(tmp_path: Path, size: tuple[int, int]) -> None:
    """Pillow notices some of these itself: so the decoded picture is that of the whole file."""
    raw = _interlaced(NOISE[: size[1], : size[0]])
    whole = _png(tmp_path / "whole.png", raw, size=size, interlaced=True)
    with Image.open(whole) as image:
        check_rows(whole, image)
        cut = _png(tmp_path / "cut.png", raw[:-1], size=size, interlaced=True)
        with pytest.raises(InputError, match=r"cut\.png: the PNG's data end before its last row"):
            check_rows(cut, image)


def test_a_large_png_of_one_bit_is_no_exaggeration(tmp_path: Path) -> None:
    path = _png(tmp_path / "a.png", bytes(1126) * 9000, size=(9000, 9000), bits=1)
    assert path.stat().st_size * 1032 < 9000 * 9000  # bytes of pixels as Pillow unpacks them
    assert not read_image(path).any()


def test_the_still_picture_of_an_animation_that_it_is_no_part_of(tmp_path: Path) -> None:
    still, *moving = (Image.fromarray(NOISE // n) for n in (1, 2, 3, 4))
    still.save(tmp_path / "a.png", save_all=True, append_images=moving, default_image=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), NOISE.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("form", ["P6", "P3"])
@pytest.mark.parametrize("full", [63, 1023, 4095, 65535])
def test_colour_pnm_has_the_scale_that_it_states(tmp_path: Path, form: str, full: int) -> None:
    values = np.repeat(np.linspace(0, full, 12).round().astype(">u2").reshape(3, 4, 1), 3, axis=2)
    data = (values if full > 255 else values.astype(np.uint8)).tobytes()
    plain = " ".join(map(str, values.ravel())).encode()
    (tmp_path / "a.ppm").write_bytes(
        f"{form} 4 3 {full}\n".encode() + (plain + b"\n" if form == "P3" else data)
    )
    np.testing.assert_allclose(read_image(tmp_path / "a.ppm"), values[..., 0] / full, atol=0.5 / 255)


def test_colour_jpeg_2000_of_twelve_bits(tmp_path: Path) -> None:
    encode = pytest.importorskip("openjpeg.utils").encode_array
    values = np.repeat(np.linspace(0, 4095, 4096).astype(np.uint16).reshape(64, 64, 1), 3, axis=2)
    (tmp_path / "a.j2k").write_bytes(encode(values, bits_stored=12, photometric_interpretation=1))
    np.testing.assert_allclose(read_image(tmp_path / "a.j2k"), values[..., 0] / 4095, atol=1e-3)


def test_tiff_strips_with_more_bytes_than_pixels(tmp_path: Path) -> None:
    deep = generator(1, "lengths").integers(0, 65536, (10, 16)).astype(np.uint16)
    path = write_tiff(tmp_path / "a.tif", (deep, {}))
    data = path.read_bytes()
    bits = struct.pack("<HHIH", 258, 3, 1, 16)
    (tmp_path / "b.tif").write_bytes(data.replace(bits, struct.pack("<HHIH", 258, 3, 1, 8)))
    with pytest.raises(
        InputError, match=r"b\.tif: the TIFF holds more bytes(.|\n)*320(.|\n)*160: 16 x 10 pixels of 8 bits"
    ):
        read_image(tmp_path / "b.tif")


def test_a_last_strip_that_is_padded_to_its_rows_is_no_harm(tmp_path: Path) -> None:
    """Ten rows in strips of four: two are padding."""
    pixels = np.arange(160, dtype=np.uint8).reshape(10, 16)
    pages = pixels, {ROWS: 4}
    data = bytearray(write_tiff(tmp_path / "a.tif", pages).read_bytes())
    tables = struct.pack("<6I", 8, 72, 136, 64, 64, 64)  # StripOffsets and StripByteCounts
    for tag, place in ((273, len(data)), (279, len(data) + 12)):
        at = data.index(struct.pack("<HHI", tag, 4, 1))
        data[at : at + 12] = struct.pack("<HHII", tag, 4, 3, place)
    (tmp_path / "a.tif").write_bytes(bytes(data) + tables)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), pixels.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize(
    "said", ["ImageJ=1.53t\nimages=5\nslices=5\n", '{"shape": [5, 90, 101], "truncated": true}']
)
def test_a_stack_with_one_directory_is_refused(tmp_path: Path, said: str) -> None:
    Image.fromarray(NOISE).save(tmp_path / "a.tif", tiffinfo={DESCRIPTION: said})
    with pytest.raises(
        InputError, match=r"a\.tif: a stack of which only the first(.|\n)*5 pictures by its description"
    ):
        read_image(tmp_path / "a.tif")
    Image.fromarray(NOISE).save(tmp_path / "b.tif", tiffinfo={DESCRIPTION: "ImageJ=1.53t\nmin=0\n"})
    assert read_image(tmp_path / "b.tif").shape == NOISE.shape


@pytest.mark.parametrize(
    ("dtype", "channels", "says"),
    [
        (np.float64, 1, "1 x 64 bits floating point"),
        (np.float32, 3, "3 x 32 bits floating point"),
        (np.uint16, 2, "2 x 16 bits unsigned"),
        (np.float16, 1, "1 x 16 bits floating point"),
    ],
)
def test_a_tiff_of_other_numbers_is_named(tmp_path: Path, dtype: type, channels: int, says: str) -> None:
    pixels = np.ones((4, 5, channels) if channels > 1 else (4, 5), dtype)
    tags = {339: 3} if np.issubdtype(dtype, np.floating) else {}
    write_tiff(tmp_path / "a.tif", (pixels, tags))
    with pytest.raises(InputError, match=rf"a\.tif: (.|\n)*TIFF with {says}(.|\n)*allowed:  of TIFF"):
        read_image(tmp_path / "a.tif")


def test_deep_colour_in_planes_is_refused(tmp_path: Path) -> None:
    """Pillow takes them for 8 bits, OpenCV planes for pixels."""
    deep = np.zeros((4, 6, 3), np.uint16)
    assert cv2.imwrite(str(tmp_path / "whole.tif"), deep)
    assert not read_image(tmp_path / "whole.tif").any()
    write_tiff(tmp_path / "a.tif", (deep, {PLANAR: 2}))
    with pytest.raises(InputError, match=r"a\.tif: colour of 16 bits in a form that is not read"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("lost", ["middle", "half", "byte"])
def test_png_data_that_are_not_what_was_written(tmp_path: Path, lost: str) -> None:
    """As a disk gives them back whose blocks were never written: zeros."""
    path = tmp_path / "a.png"
    Image.fromarray(np.tile(NOISE, (3, 3))).save(path)
    whole = path.read_bytes()
    read_image(path)
    size = len(whole)
    places = {"middle": (size // 2, 512), "half": (size // 2, size), "byte": (size // 3, 1)}
    start, count = places[lost]
    data = bytearray(whole)
    end = min(start + count, size)
    data[start:end] = (
        bytes(255 - value for value in whole[start:end]) if lost == "byte" else bytes(end - start)
    )
    path.write_bytes(data)
    with pytest.raises(
        InputError, match=r"a\.png: the PNG's data are damaged(.|\n)*do not match their checksum"
    ):
        read_image(path)


def test_what_stands_behind_a_png_is_no_part_of_it(tmp_path: Path) -> None:
    path = _png(tmp_path / "a.png", _rows(NOISE), size=(101, 90))
    path.write_bytes(path.read_bytes() + b"\0\0\0\4IDATxxxxyyyy")
    np.testing.assert_array_equal(read_image(path), NOISE.astype(np.float32) / np.float32(255))

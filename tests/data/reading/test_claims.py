"""Headers that claim more than there is: no memory is taken for it."""

import contextlib
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data import read_image
from fusionmedclip.data.reading.claims import BoundedFile, check_claim
from fusionmedclip.errors import InputError


def test_a_claim_is_held_against_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(100_000))
    check_claim(path, 100_000, packed=False)
    with pytest.raises(InputError, match=r"(?s)a\.bin: the header claims more .*100,001 bytes of pixels"):
        check_claim(path, 100_001, packed=False)
    check_claim(path, 103_200_000)  # deflate's 1,032 to 1
    with pytest.raises(InputError, match=r"a\.bin"):
        check_claim(path, 103_200_001)
    (tmp_path / "small").write_bytes(bytes(10))
    check_claim(tmp_path / "small", 2**26)  # blank, and packed by something better
    with pytest.raises(InputError, match="small"):
        check_claim(tmp_path / "small", 2**26 + 1)


def test_deflate_reaches_no_more(tmp_path: Path) -> None:
    packed = zlib.compress(bytes(2**26), 9)
    assert 1000 < 2**26 / len(packed) < 1032


def test_a_bounded_file_reads_like_a_plain_one(tmp_path: Path) -> None:
    content = bytes(range(256)) * 50
    (tmp_path / "a").write_bytes(content)
    with BoundedFile(tmp_path / "a") as file:
        assert file.read(10) == content[:10]
        assert file.read(0) == b""
        file.seek(100)
        assert file.read(2**62) == content[100:]
        assert file.read(1) == b""
        file.seek(0)
        assert file.read() == content


def _peak(path: Path) -> int:
    tracemalloc.start()
    try:
        with contextlib.suppress(InputError):  # of a DICOM file all the pixels may be there
            read_image(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_lengths_inside_a_file_take_no_memory(tmp_path: Path, write_dicom, picture) -> None:
    Image.fromarray(picture(0)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    at = content.index(b"IDAT")
    content[at - 4 : at] = struct.pack(">I", 2**31 - 1)
    (tmp_path / "a.png").write_bytes(content)  # what follows the picture is skipped by its length
    assert _peak(tmp_path / "a.png") < 50e6
    whole = bytearray(write_dicom(tmp_path / "a.dcm", picture(0)).read_bytes())
    at = whole.index(b"\xe0\x7f\x10\x00O")  # PixelData, explicit VR little endian: tag, VR, 2 bytes, length
    whole[at + 8 : at + 12] = struct.pack("<I", 2**31)
    (tmp_path / "a.dcm").write_bytes(whole)
    assert _peak(tmp_path / "a.dcm") < 50e6


@pytest.mark.filterwarnings("ignore:Image size:PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_sizes_that_no_picture_has(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)
    content = bytearray(path.read_bytes())
    if suffix == "png":
        content[16:24] = struct.pack(">II", 13_000, 13_000)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    elif suffix == "bmp":
        content[18:26] = struct.pack("<ii", 13_000, 13_000)
    else:
        for tag in (256, 257):  # ImageWidth, ImageLength
            at = content.index(struct.pack("<HHI", tag, 4, 1)) + 8
            content[at : at + 4] = struct.pack("<I", 13_000)
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.{suffix}: "):
        read_image(path)
    assert _peak(path) < 50e6


def test_a_picture_beyond_the_limit_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 16_000, 12_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a larger picture than is read[\s\S]*192000000[\s\S]*178,956,970"):
        read_image(path)

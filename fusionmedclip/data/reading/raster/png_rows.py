"""Whether a PNG's data are as they were written, to its last row: Pillow shows what there is of them."""

import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from fusionmedclip.errors import InputError

__all__ = ["check_rows", "check_sums"]

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # a pixel, by colour type (PNG, table 11.1)
_PASSES = (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
"""Adam7: first column and row, and the steps between (PNG, 8.2)."""
_CHUNK = 1 << 20


def check_sums(path: Path) -> None:
    """Refuse a PNG of whose image data a part is not what its own checksum says (PNG, 5.3).

    Pillow passes over those of the image data, and shows whatever a damaged stream still gives.
    """
    data = path.read_bytes()
    for start, end in _chunks(data):
        said = data[end : end + 4]
        if len(said) == 4 and zlib.crc32(memoryview(data)[start - 4 : end]) != int.from_bytes(said, "big"):
            raise InputError(
                f"{path}: the PNG's data are damaged",
                received=f"{end - start:,} bytes from byte {start:,} that do not match their checksum",
                hint="download or export it again",
            )


def check_rows(path: Path, image: Image.Image) -> None:
    """Refuse a PNG with fewer rows than its header says.

    Parameters
    ----------
    path : Path
    image : PIL.Image.Image
        Decoded. Where its last row holds more than zeros the data have come so far; nothing is read again.
    """
    bottom = image.crop((0, image.height - 1, image.width, image.height))
    if not image.info.get("interlace") and bottom.getbbox(alpha_only=False):
        return
    data = path.read_bytes()
    needed, found = _needed(data[16:29]), 0
    unpack = zlib.decompressobj()
    for start, end in _chunks(data):
        chunk = data[start:end]
        while chunk and found < needed:
            found += len(unpack.decompress(chunk, _CHUNK))
            chunk = unpack.unconsumed_tail
    if found < needed:
        raise InputError(
            f"{path}: the PNG's data end before its last row",
            received=f"{found:,} bytes of rows",
            allowed=f"{needed:,}, of {image.width} x {image.height} pixels",
            hint="the file is damaged or cut off; download or export it again",
        )


def _needed(header: bytes) -> int:
    """Bytes of all rows, each with its filter byte, by the chunk IHDR."""
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    bits = header[8] * _SAMPLES[header[9]]
    total = 0
    for left, top, across, down in _PASSES if header[12] else ((0, 0, 1, 1),):
        columns, rows = len(range(left, width, across)), len(range(top, height, down))
        total += rows * (1 + (columns * bits + 7) // 8) if columns else 0
    return total


def _chunks(data: bytes) -> Iterator[tuple[int, int]]:
    """Where what the chunks IDAT hold begins and ends."""
    at = 8
    while at + 8 <= len(data) and data[at + 4 : at + 8] != b"IEND":
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            yield at + 8, at + 8 + length
        at += length + 12

"""Tags of a TIFF that Pillow does not look at: how many bytes a page takes, pages without a directory."""

import json
import math
import re
from pathlib import Path
from typing import Any, cast

from PIL import Image, TiffImagePlugin

from fusionmedclip.errors import InputError

__all__ = ["check_pages", "check_strips", "tags_of", "tiff_form"]

# TIFF 6.0
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _DESCRIPTION, _ROWS, _COUNTS = 256, 257, 258, 259, 270, 278, 279
_PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_COUNTS, _FORMAT = 284, 322, 323, 325, 339
_PLAIN, _SEPARATE = 1, 2
_KINDS = {1: "unsigned", 2: "signed", 3: "floating point", 4: "undefined", 5: "complex", 6: "complex"}
_IMAGEJ = re.compile(r"ImageJ=.*?^images=(\d+)", re.DOTALL | re.MULTILINE)


def tags_of(image: Image.Image) -> TiffImagePlugin.ImageFileDirectory_v2:
    """The tags of a TIFF's page."""
    return cast(TiffImagePlugin.TiffImageFile, image).tag_v2


def check_strips(path: Path, image: Image.Image) -> None:
    """Refuse an uncompressed page with more bytes than its size and its type of numbers take.

    Strips may be padded to their full number of rows, as some writers do with the last.
    """
    tags = tags_of(image)
    if int(tags.get(_COMPRESSION, _PLAIN)) != _PLAIN:
        return
    width, height = (int(tags[tag]) for tag in (_WIDTH, _HEIGHT))  # an image's own are those of it turned
    if _TILE_WIDTH in tags:
        width, height = int(tags[_TILE_WIDTH]), int(tags[_TILE_HEIGHT])
    rows = min(int(tags.get(_ROWS, height)), height) or height
    counts, bits = _tuple(tags.get(_COUNTS, tags.get(_TILE_COUNTS, ()))), _tuple(tags.get(_BITS, 1))
    separate = int(tags.get(_PLANAR, 1)) == _SEPARATE
    strips, wide = (max(len(counts), len(bits)), bits[0]) if separate else (len(counts), sum(bits))
    most = strips * rows * math.ceil(width * wide / 8)
    if sum(counts) > most:
        raise InputError(
            f"{path}: the TIFF holds more bytes than its header says",
            received=f"{sum(counts):,} bytes",
            allowed=f"{most:,}: {tags[_WIDTH]} x {tags[_HEIGHT]} pixels of {sum(bits)} bits",
            hint="its size or its bits a sample are wrong, or it is a stack; export it again",
        )


def check_pages(path: Path, image: Image.Image) -> None:
    """Refuse the only page of a stack whose others have no directory, as ImageJ writes large ones."""
    said = str(tags_of(image).get(_DESCRIPTION, ""))
    count = int(match[1]) if (match := _IMAGEJ.search(said)) else 1
    if said.startswith('{"shape"'):
        facts = json.loads(said)
        count = math.prod(facts["shape"]) // (image.width * image.height) if facts.get("truncated") else 1
    if count > 1:
        raise InputError(
            f"{path}: a stack of which only the first picture has a directory of its own",
            received=f"{count} pictures by its description, 1 by its directories",
            hint="save it as TIFF with a page for each picture, or each picture as a file",
        )


def tiff_form(path: Path) -> str:
    """Type of numbers of a TIFF that Pillow does not open, such as ``2 x 16 bits unsigned``; else empty."""
    with path.open("rb") as file:
        head = file.read(8)
        if head[:4] not in (b"II*\0", b"MM\0*"):
            return ""
        directory = TiffImagePlugin.ImageFileDirectory_v2(head)
        file.seek(directory.next)
        directory.load(file)
        bits, kind = _tuple(directory.get(_BITS, 1)), _tuple(directory.get(_FORMAT, 1))[0]
    return f"TIFF with {len(bits)} x {bits[0]} bits {_KINDS.get(kind, 'of an unknown type')} a pixel"


def _tuple(value: Any) -> tuple[int, ...]:
    return tuple(int(one) for one in value) if isinstance(value, tuple) else (int(value),)

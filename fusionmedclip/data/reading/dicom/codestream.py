"""What a compressed frame says of itself, which its decoder believes whatever the DICOM header says."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from fusionmedclip.errors import InputError

__all__ = ["STARTS", "check_codestream"]

_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # ITU-T T.81, table B.1; T.87: JPEG-LS
_BARE = {0x01, *range(0xD0, 0xD9)}  # markers without a segment
_JPEG, _JPEG2000, _JP2 = b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
STARTS = (_JPEG, _JPEG2000, _JP2)
_ANOTHER = re.compile(rb"\xff\xd9\0?\xff\xd8\xff")
_NUMBERS = ("BitsAllocated", "BitsStored", "PixelRepresentation")
_TURNED_TO_RGB = ("YBR_RCT", "YBR_ICT")


@dataclass(frozen=True)
class _Stream:
    """Width and height (None where they stand behind the first scan), samples a pixel, bits a sample.

    ``rgb`` is whether decoding gives RGB (true) or YCbCr (false); None where the stream does not say, or
    where pydicom follows it. ``signed`` is None where the format has no sign.
    """

    size: tuple[int, int] | None
    samples: int
    bits: int
    rgb: bool | None
    signed: bool | None = None


def check_codestream(data: bytes, dataset: Dataset) -> None:
    """Refuse a compressed frame that is not of the header's kind, before a decoder takes memory and time.

    Raises
    ------
    InputError
        When size, samples, signs or colours differ, when its bits are more than the header's cells have, or
        when a second picture follows the first.
    """
    stream = _jpeg2000(data) if data.startswith((_JPEG2000, _JP2)) else _jpeg(data)
    if stream is None:
        return
    for what, differ, held, said in _comparisons(stream, dataset, data):
        if differ:
            raise InputError(
                f"the compressed picture {what} than the header says",
                received=f"{held}; {said} in the header",
                hint="the file is damaged, or its header was changed after compression; export it again",
            )
    if data.startswith(_JPEG) and _ANOTHER.search(data):
        raise InputError("several pictures in one compressed frame", hint="export it again")


def _comparisons(stream: _Stream, dataset: Dataset, data: bytes) -> Iterator[tuple[str, bool, str, str]]:
    """What differs, whether it does, what the stream holds, and what the header says."""
    size, samples = (int(dataset.Columns), int(dataset.Rows)), int(dataset.SamplesPerPixel)
    if stream.size is not None:
        held = f"{stream.size[0]} x {stream.size[1]} pixels"
        yield "is of another size", stream.size != size, held, f"{size[0]} x {size[1]}"
    cell, bits, signed = (int(dataset[name].value) for name in _NUMBERS)
    differ = stream.samples != samples or stream.bits > cell
    held = f"{stream.samples} of {stream.bits} bits"
    yield "has other samples", differ, held, f"{samples} in cells of {cell}"
    if stream.signed is not None:
        differ = stream.signed is not bool(signed) and stream.bits != bits
        signs = ("unsigned", "signed")
        held = f"{signs[stream.signed]}, {stream.bits} bits"
        yield "has other numbers", differ, held, f"{signs[signed]}, {bits} bits"
    if samples == 3:
        said = str(dataset.PhotometricInterpretation)
        held = "decodes to RGB" if stream.rgb else "decodes to YCbCr"
        yield "has other colours", not _same_colours(said, stream.rgb, data), held, said


def _same_colours(said: str, rgb: bool | None, data: bytes) -> bool:
    """Whether a stream decodes to what the header says; JPEG 2000 undoes its own transform."""
    if data.startswith(_JPEG):
        return rgb is None or rgb is (said == "RGB")
    return said == "RGB" or bool(rgb) is (said in _TURNED_TO_RGB)


def _jpeg2000(data: bytes) -> _Stream | None:
    """ITU-T T.800, A.5.1 (SIZ) and A.6.1 (COD)."""
    at = data.find(_JPEG2000)
    across, down, left, top = struct.unpack_from(">IIII", data, at + 8)
    samples, bits = struct.unpack_from(">HB", data, at + 40)
    place, transform = at + 2, None
    while place + 9 <= len(data) and data[place] == 0xFF and data[place + 1] != 0x90:  # SOT: the tiles begin
        if data[place + 1] == 0x52:
            transform = bool(data[place + 8])
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return _Stream((across - left, down - top), samples, (bits & 0x7F) + 1, transform, bits > 0x7F)


def _jpeg(data: bytes) -> _Stream | None:
    """ITU-T T.81, B.2.2; colours by Adobe's marker, where neither JFIF nor the components' names tell them.

    Some encoders set that marker to YCbCr for RGB, but then number components from 0.
    """
    if not data.startswith(_JPEG):
        return None
    place, jfif, adobe = 2, False, None
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in _FRAMES:
            bits, height, width, samples = struct.unpack_from(">BHHB", data, place + 4)
            names = data[place + 10 : place + 10 + 3 * samples : 3]
            told = jfif or names in (b"RGB", b"rgb") or adobe is None or (adobe and names != b"\1\2\3")
            return _Stream((width, height) if height else None, samples, bits, None if told else not adobe)
        jfif = jfif or (marker == 0xE0 and data[place + 4 : place + 8] == b"JFIF")
        if marker == 0xEE and data[place + 4 : place + 9] == b"Adobe":
            adobe = data[place + 15 : place + 16] != b"\0"
        if marker == 0xFF:  # a fill byte
            place += 1
        else:
            place += 2 if marker in _BARE else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None

"""Sizes inside a compressed frame, which its decoder believes whatever the DICOM header says."""

import struct

from pydicom.dataset import Dataset
from pydicom.encaps import get_frame

from fusionmedclip.errors import InputError

__all__ = ["check_codestream"]

_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # ITU-T T.81, table B.1; T.87: JPEG-LS
_BARE = {0x01, *range(0xD0, 0xD9)}  # markers without a segment
_JPEG, _JPEG2000, _JP2 = b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "


def check_codestream(dataset: Dataset, frame: int) -> None:
    """Refuse a compressed frame of another size than the header's, before a decoder takes memory and time.

    Raises
    ------
    InputError
        With both sizes.
    """
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated or "PixelData" not in dataset:
        return
    count = int(dataset.get("NumberOfFrames") or 1)
    offsets = None
    if "ExtendedOffsetTable" in dataset:
        offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    data = get_frame(dataset.PixelData, frame, number_of_frames=count, extended_offsets=offsets)
    size = _size(data)
    if size is not None and size != (int(dataset.Columns), int(dataset.Rows)):
        raise InputError(
            "the compressed picture is of another size than the header says",
            received=f"{size[0]} x {size[1]} pixels, {dataset.Columns} x {dataset.Rows} in the header",
            hint="the file is damaged; export it again",
        )


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG, JPEG-LS or JPEG 2000 stream; None for others, and where it does not say."""
    if data.startswith((_JPEG2000, _JP2)):
        at = data.find(_JPEG2000)
        across, down, left, top = struct.unpack_from(">IIII", data, at + 8)  # ITU-T T.800, A.5.1
        return across - left, down - top
    if not data.startswith(_JPEG):
        return None
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return (width, height) if height else None  # 0: a marker behind the first scan tells it
        if marker == 0xFF:  # a fill byte
            place += 1
        else:
            place += 2 if marker in _BARE else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None

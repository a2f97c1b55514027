"""Encapsulated pixel data: how many frames there are, and whether each holds what the header says."""

import struct

from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments, get_frame
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit, RLELossless

from fusionmedclip.data.reading.dicom.codestream import STARTS, check_codestream
from fusionmedclip.data.reading.jpeg_data import whole_jpeg
from fusionmedclip.errors import InputError

__all__ = ["check_encapsulated", "check_frame_count"]

_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit)
_HINT = "the file is damaged, or its header was changed; export it again"


def check_frame_count(dataset: Dataset, count: int) -> None:
    """Refuse encapsulated data of another number of frames than the header's.

    A frame of RLE is one fragment (PS3.5, A.4.2); one of JPEG or JPEG 2000 begins with that format's mark,
    and no fragment that goes on with a frame does. Of other encodings nothing is said.

    Raises
    ------
    InputError
        With both numbers.
    """
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated or "PixelData" not in dataset:
        return
    items = [fragment[:16] for fragment in generate_fragments(dataset.PixelData)]
    fragments = [start for start in items[1:] if start]  # the first item is the table of offsets
    if dataset.file_meta.TransferSyntaxUID != RLELossless:
        fragments = [start for start in fragments if start.startswith(STARTS)]
    if fragments and len(fragments) != count:
        raise InputError(
            "holds another number of frames than the header says",
            received=f"{len(fragments)} frames, NumberOfFrames {dataset.get('NumberOfFrames') or 'missing'}",
            hint=_HINT,
        )


def check_encapsulated(dataset: Dataset, frame: int) -> None:
    """Refuse a compressed frame of another kind than the header says; others pass.

    Raises
    ------
    InputError
        With what the frame and the header say, or of a JPEG what is missing.
    """
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated or "PixelData" not in dataset:
        return
    count = int(dataset.get("NumberOfFrames") or 1)
    offsets = None
    if "ExtendedOffsetTable" in dataset:
        offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    data = get_frame(dataset.PixelData, frame, number_of_frames=count, extended_offsets=offsets)
    if dataset.file_meta.TransferSyntaxUID == RLELossless:
        _check_runs(data, dataset)
    else:
        check_codestream(data, dataset)
        if dataset.file_meta.TransferSyntaxUID in _LOSSY:
            whole_jpeg(data)


def _check_runs(data: bytes, dataset: Dataset) -> None:
    """Hold the first segment of a frame of RLE against the picture's size; decoders cut what is too long.

    PS3.5, annex G: a segment is one byte of each pixel, in runs of PackBits. A last byte fills it up.
    """
    pixels = int(dataset.Rows) * int(dataset.Columns)
    number, *starts = struct.unpack_from("<16L", data)
    segment = data[starts[0] : starts[1] if number > 1 else len(data)]
    place = length = 0
    while place < len(segment) - 1:
        head = segment[place]
        if head < 128:
            length += min(head + 1, len(segment) - 1 - place)
            place += head + 2
        elif head > 128:
            length += 257 - head
            place += 2
        else:
            place += 1
    if not 0 <= length - pixels < max(2, min(dataset.Rows, dataset.Columns)):
        raise InputError(
            "the compressed picture is of another size than the header says",
            received=f"{length:,} pixels, {dataset.Columns} x {dataset.Rows} in the header",
            hint=_HINT,
        )

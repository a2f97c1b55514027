"""Stored DICOM values: decoded, freed of overlays, and held against the bits that the header claims.

DICOM PS3.5, section 8.1.1 (bits of a cell), and PS3.3, C.7.5.1.1.2 (padding) and C.9.2 (overlays in cells).
"""

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels import get_decoder, pixel_array
from pydicom.tag import Tag
from pydicom.uid import JPEGLSLossless, JPEGLSNearLossless

from fusionmedclip.errors import InputError

__all__ = ["OVERLAYS", "decode_stored", "padding_mask"]

_PLANES = range(0x6000, 0x6020, 2)
OVERLAYS = tuple(Tag(group, element) for group in _PLANES for element in (0x0100, 0x0102))
"""OverlayBitsAllocated and OverlayBitPosition of the sixteen planes."""


def decode_stored(dataset: Dataset, frame: int) -> np.ndarray:
    """Decode one frame to the values that the header describes.

    Bits above ``BitsStored`` may hold overlays that the header places there, the sign of signed values, or
    padding that needs more bits than the picture; nothing else, as the picture would be cut to a sawtooth.

    Returns
    -------
    (H, W) or (H, W, 3) array
        As stored; YCbCr is RGB already.

    Raises
    ------
    InputError
        When values need more bits than ``BitsStored``.
    """
    plugin = _plugin(dataset)
    array = pixel_array(dataset, index=frame, decoding_plugin=plugin, correct_unused_bits=False)
    bits = 8 * array.dtype.itemsize
    stored = int(dataset.get("BitsStored") or bits)
    if array.dtype.kind not in "iu" or stored >= bits:
        return array
    low = -(1 << (stored - 1)) if array.dtype.kind == "i" else 0
    if array.min() >= low and array.max() < low + (1 << stored):
        return array
    return _cut_to_stored(array.astype(array.dtype.newbyteorder("=")), stored, dataset)


def _cut_to_stored(array: np.ndarray, stored: int, dataset: Dataset) -> np.ndarray:
    """Take overlays out and complete signs; refuse what is lost by it."""
    bits = 8 * array.dtype.itemsize
    raw = array.view(f"u{array.dtype.itemsize}")
    picture, full = (1 << stored) - 1, (1 << bits) - 1
    seen = raw & ~np.array(_overlay_bits(dataset) & ~picture, raw.dtype)
    above, signs = seen >> stored, (full & ~(_overlay_bits(dataset) & ~picture)) >> stored
    lost = above != 0
    result = (raw << (bits - stored)).view(array.dtype) >> (bits - stored)  # arithmetic: completes the sign
    if array.dtype.kind == "i":
        extended = (above == signs) & (result < 0)
        # a sign may be left out, but not in some of the pixels: these are then too large, not negative
        lost = (lost & ~extended) | ((above == 0) & (result < 0) & extended.any())
    if not lost.any():
        return result
    padding = padding_mask(array, dataset)
    if padding is None or (lost & ~padding).any():
        raise InputError(
            "pixels need more bits than BitsStored says",
            received=f"BitsStored {stored}, values of {int(array.min())} to {int(array.max())}",
            hint="correct BitsStored and HighBit with a DICOM editor, or clear the bits above them",
        )
    return np.where(lost, array, result)


def _overlay_bits(dataset: Dataset) -> int:
    """Bits of a cell that hold planes of overlays."""
    bits = 0
    for group in _PLANES:
        place = dataset.get(Tag(group, 0x0102))
        if place is not None and isinstance(place.value, int) and 0 < place.value < dataset.BitsAllocated:
            bits |= 1 << place.value
    return bits


def _plugin(dataset: Dataset) -> str:
    """GDCM alone for JPEG-LS where it is there: CharLS may search a damaged stream for many seconds."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax not in (JPEGLSLossless, JPEGLSNearLossless):
        return ""
    return "gdcm" if "gdcm" in get_decoder(syntax).available_plugins else ""


def padding_mask(stored: np.ndarray, view: Dataset) -> np.ndarray | None:
    """Pixels that only fill up the rectangle (PS3.3 C.7.5.1.1.2), compared as stored; None without any."""
    prefix = {"f4": "Float", "f8": "DoubleFloat"}.get(stored.dtype.str[1:], "")
    low = view.get(f"{prefix}PixelPaddingValue")
    if low in (None, ""):
        return None
    high = view.get(f"{prefix}PixelPaddingRangeLimit")
    high = low if high in (None, "") else high
    if prefix and np.isnan(float(low)):
        padding = np.isnan(stored)
    else:
        found = [float(end) if prefix else _as_stored(int(end), stored, view) for end in (low, high)]
        ends = [end for end in found if end is not None]
        if len(ends) < len(found):
            return None
        padding = (stored >= min(ends)) & (stored <= max(ends))
    return padding if padding.any() else None


def _as_stored(value: int, stored: np.ndarray, view: Dataset) -> int | None:
    """A number in the sign of the pixels: many headers give -2000 as 63536, or the other way round.

    What ``BitsStored`` cannot hold is looked for in the whole cell, never folded into the picture's values;
    None where no cell can hold it.
    """
    span, signed = 1 << int(view.BitsStored), stored.dtype.kind == "i"
    low = -(span // 2) if signed else 0
    readings = [
        value,
        value - (1 << 16),
        value + (1 << 16),
        *([value - span] if value >= 0 and signed else []),
    ]
    cell = np.iinfo(stored.dtype)
    held = [number for number in readings if low <= number < low + span]
    held += [number for number in readings if cell.min <= number <= cell.max]
    return held[0] if held else None

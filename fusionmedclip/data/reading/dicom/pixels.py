"""From stored DICOM values to grey: modality transform, window, colour.

DICOM PS3.3, sections C.7.6.3 (pixels and colour), C.11.1 (modality transform) and C.11.2 (window).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, apply_windowing, get_decoder, pixel_array
from pydicom.uid import JPEGLSLossless, JPEGLSNearLossless

from fusionmedclip.data.reading.dicom.codestream import check_codestream
from fusionmedclip.data.reading.dicom.header import frame_view
from fusionmedclip.data.reading.raster.values import to_channel
from fusionmedclip.data.reading.scaling import percentile_range, scale_to_unit
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading
from fusionmedclip.luma import channel_weights

__all__ = ["Frame", "decode_frame", "finish", "own_range"]

_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
_ALLOWED = "MONOCHROME1, MONOCHROME2, PALETTE COLOR"


@dataclass(frozen=True)
class Frame:
    """One decoded frame before the last step to [0, 1].

    Attributes
    ----------
    values : (H, W) or (L,) float array
        Grey values: windowed where the file has a window, else after the modality transform. With ``index``
        those of L stored levels, since what follows treats equal levels alike.
    value_range : (float, float) or None
        What becomes 0 and 1; None where the file states nothing, so that percentiles decide.
    padding : bool array of the shape of ``values``, or None
        Pixels outside the picture; they become 0.
    inverted : bool
        MONOCHROME1: low values are white.
    index : (H, W) uint16 array or None
        Each pixel's place in ``values``.
    """

    values: np.ndarray
    value_range: tuple[float, float] | None
    padding: np.ndarray | None
    inverted: bool
    index: np.ndarray | None = None

    @property
    def pixels(self) -> np.ndarray:
        """(H, W) grey values."""
        return self.values if self.index is None else self.values[self.index]

    @property
    def inside(self) -> np.ndarray:
        """(N,) grey values of what is not padding."""
        if self.padding is None:
            return self.pixels.ravel()
        return self.pixels[~(self.padding if self.index is None else self.padding[self.index])]


def decode_frame(dataset: Dataset, frame: int, *, path: Path, settings: ReadSettings) -> Frame:
    """Decode one frame (compressed ones by whichever permissive decoder is installed).

    Raises
    ------
    InputError
        Naming the file when the pixel data are broken, truncated or in an encoding nothing here decodes.
    """
    what = f"pixels in {dataset.file_meta.TransferSyntaxUID.name}"
    hint = "the file is damaged, or in an encoding that needs a decoder; see docs/data.md"
    with reading(path, what, hint=hint):
        check_codestream(dataset, frame)
        stored = pixel_array(dataset, index=frame, decoding_plugin=_plugin(dataset))
        view = frame_view(dataset, frame)
        if view.PhotometricInterpretation == "PALETTE COLOR":
            return _colour(apply_color_lut(stored, view), None, settings.channel)
        if stored.ndim == 3:
            return _colour(stored, int(view.BitsStored), settings.channel)
        if view.PhotometricInterpretation not in _MONOCHROME:
            said = str(view.PhotometricInterpretation)
            raise InputError("unknown PhotometricInterpretation of grey", received=said, allowed=_ALLOWED)
        grey = _by_level(stored, view, settings)
        if not np.isfinite(grey.values if grey.padding is None else grey.values[~grey.padding]).all():
            raise InputError("holds NaN or infinite values", hint="replace them, or export the file again")
        return grey


def _plugin(dataset: Dataset) -> str:
    """GDCM alone for JPEG-LS where it is there: CharLS may search a damaged stream for many seconds."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax not in (JPEGLSLossless, JPEGLSNearLossless):
        return ""
    return "gdcm" if "gdcm" in get_decoder(syntax).available_plugins else ""


def finish(frame: Frame, value_range: tuple[float, float]) -> np.ndarray:
    """Scale to [0, 1], undo MONOCHROME1, blacken the padding: (H, W) float32."""
    grey = scale_to_unit(frame.values, value_range)
    if frame.inverted:
        grey = 1 - grey
    if frame.padding is not None:
        grey[frame.padding] = 0
    return grey if frame.index is None else grey[frame.index]


def own_range(frame: Frame, settings: ReadSettings) -> tuple[float, float]:
    """Range of one frame: what the file states, else the percentiles of what is not padding."""
    if frame.value_range is not None:
        return frame.value_range
    inside = frame.inside
    return percentile_range(inside if inside.size else frame.pixels, settings.percentiles)


def _colour(array: np.ndarray, bits: int | None, channel: str) -> Frame:
    if array.dtype == np.uint8:
        picture = Image.fromarray(np.ascontiguousarray(array[..., :3]))
        grey = np.asarray(to_channel(picture, channel))
        return Frame(grey.astype(np.float32), (0, 255), None, False)
    full = 2**bits - 1 if bits else np.iinfo(array.dtype).max
    values = array[..., :3] @ channel_weights(channel)
    return Frame(values.astype(np.float64), (0, float(full)), None, False)


def _by_level(stored: np.ndarray, view: Dataset, settings: ReadSettings) -> Frame:
    """Transform each stored level once: a picture of 12 bits has 64 times as many pixels as levels."""
    if stored.dtype.kind not in "iu":
        return _monochrome(stored, view, settings)
    low, high = int(stored.min()), int(stored.max())
    if high - low >= min(2**16, stored.size // 2):
        return _monochrome(stored, view, settings)
    levels = np.arange(low, high + 1).astype(stored.dtype)
    index = (stored.astype(np.int64) - low).astype(np.uint16)
    return replace(_monochrome(levels, view, settings), index=index)


def _monochrome(stored: np.ndarray, view: Dataset, settings: ReadSettings) -> Frame:
    padding = _padding(stored, view)
    inverted = view.PhotometricInterpretation == "MONOCHROME1"
    values = _modality(stored, view)
    if settings.value_range is not None:
        return Frame(values, settings.value_range, padding, inverted)
    if view.get("VOILUTSequence"):
        table, bits = view.VOILUTSequence[0], int(view.VOILUTSequence[0].LUTDescriptor[2])
        return Frame(_look_up(values, table, view), (0, 2**bits - 1), padding, inverted)
    if _usable_window(view):
        if "BitsStored" not in view:  # floating-point pixels; it only places the output
            view.BitsStored, view.PixelRepresentation = 16, 0
        with np.errstate(over="ignore"):  # the ends of a SIGMOID
            low, high = apply_windowing(np.array([-1e12, 1e12]), view)
            windowed = apply_windowing(values, view).astype(np.float32)  # half the memory of a volume
            return Frame(windowed, (float(low), float(high)), padding, inverted)
    unsigned = int(view.get("PixelRepresentation") or 0) == 0 and stored.dtype.kind != "f"
    if unsigned and values is stored and int(view.BitsStored) <= 8:
        return Frame(
            values, (0, 2 ** int(view.BitsStored) - 1), padding, inverted
        )  # made to be shown as it is
    return Frame(values, None, padding, inverted)


def _modality(stored: np.ndarray, view: Dataset) -> np.ndarray:
    """Modality LUT or rescale (PS3.3 C.11.1); radiotherapy doses have a factor of their own."""
    if view.get("ModalityLUTSequence"):
        return _look_up(stored, view.ModalityLUTSequence[0], view)
    slope, intercept = (view.get(keyword) for keyword in ("RescaleSlope", "RescaleIntercept"))
    if slope in (None, "") and intercept in (None, ""):
        return stored * float(view.DoseGridScaling) if view.get("DoseGridScaling") else stored
    slope = 1.0 if slope in (None, "") else float(slope)  # one without the other is not allowed, but happens
    intercept = 0.0 if intercept in (None, "") else float(intercept)
    if not np.isfinite([slope, intercept]).all() or slope == 0:
        raise InputError(
            "the rescaling loses the picture",
            received=f"RescaleSlope {slope:g}, RescaleIntercept {intercept:g}",
            hint="export it again with a finite slope that is not 0",
        )
    return stored if (slope, intercept) == (1, 0) else stored * slope + intercept


def _look_up(values: np.ndarray, item: Dataset, view: Dataset) -> np.ndarray:
    """Map values through a lookup table, ends held (PS3.3 C.11.1.1).

    Not pydicom's ``apply_voi``: it keeps the index in the type of the output, so that a table of more than
    256 entries of 8 bits wraps around.
    """
    count, first, bits = (int(number) for number in item.LUTDescriptor)
    data = item.LUTData
    if isinstance(data, bytes):
        order = "<" if view.file_meta.TransferSyntaxUID.is_little_endian else ">"
        packed = bits <= 8 and len(data) < 2 * (count or 65536)
        data = np.frombuffer(data, np.uint8 if packed else f"{order}u2")
    table = np.atleast_1d(np.asarray(data, np.float32))
    index = np.rint(values).astype(np.int64) - first
    return table[np.clip(index, 0, min(count or 65536, len(table)) - 1)]


def _usable_window(view: Dataset) -> bool:
    """Empty, zero and negative widths occur in practice and mean no window."""
    centre, width = view.get("WindowCenter"), view.get("WindowWidth")
    try:
        centre, width = (float(np.atleast_1d(np.asarray(v, object))[0]) for v in (centre, width))
    except (TypeError, ValueError, IndexError):
        return False
    least = 1 if str(view.get("VOILUTFunction") or "LINEAR").upper() == "LINEAR" else 0
    return bool(np.isfinite([centre, width]).all()) and width > least


def _padding(stored: np.ndarray, view: Dataset) -> np.ndarray | None:
    """Pixels that only fill up the rectangle (PS3.3 C.7.5.1.1.2), compared as stored."""
    prefix = {"f4": "Float", "f8": "DoubleFloat"}.get(stored.dtype.str[1:], "")
    low = view.get(f"{prefix}PixelPaddingValue")
    if low in (None, ""):
        return None
    high = view.get(f"{prefix}PixelPaddingRangeLimit")
    high = low if high in (None, "") else high
    if prefix and np.isnan(float(low)):
        padding = np.isnan(stored)
    else:
        low, high = (float(end) if prefix else _as_stored(int(end), view) for end in (low, high))
        padding = (stored >= min(low, high)) & (stored <= max(low, high))
    return padding if padding.any() else None


def _as_stored(value: int, view: Dataset) -> int:
    """A number in the sign of the pixels: many headers give -2000 as 63536, or the other way round."""
    span = 2 ** int(view.BitsStored)
    value %= span
    return value - span if int(view.PixelRepresentation) and value >= span // 2 else value

"""From stored DICOM values to grey: modality transform, window, colour.

DICOM PS3.3, sections C.7.6.3 (pixels and colour), C.11.1 (modality transform) and C.11.2 (window).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing

from fusionmedclip.data.reading.dicom.fragments import check_encapsulated
from fusionmedclip.data.reading.dicom.header import frame_view
from fusionmedclip.data.reading.dicom.stored import decode_stored, padding_mask
from fusionmedclip.data.reading.dicom.tables import apply_palette, item_table
from fusionmedclip.data.reading.raster.values import to_channel
from fusionmedclip.data.reading.scaling import percentile_range, scale_to_unit
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading
from fusionmedclip.luma import channel_weights

__all__ = ["Frame", "decode_frame", "finish", "own_range"]


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
    varied : bool
        Whether what was stored, padding aside, is more than one value.
    """

    values: np.ndarray
    value_range: tuple[float, float] | None
    padding: np.ndarray | None
    inverted: bool
    index: np.ndarray | None = None
    varied: bool = False

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
        check_encapsulated(dataset, frame)
        stored = decode_stored(dataset, frame)
        view = frame_view(dataset, frame)
        if view.PhotometricInterpretation == "PALETTE COLOR":
            return _colour(*apply_palette(stored, view), settings.channel)
        if stored.ndim == 3:
            return _colour(stored, 2 ** int(view.BitsStored) - 1, settings.channel)
        grey = _by_level(stored, view, settings)
        if not np.isfinite(grey.values if grey.padding is None else grey.values[~grey.padding]).all():
            raise InputError("holds NaN or infinite values", hint="replace them, or export the file again")
        return replace(grey, varied=_varied(stored, grey))


def _varied(stored: np.ndarray, grey: Frame) -> bool:
    """Whether more than one value is stored, padding aside; padding of several values may not be all."""
    inside = stored
    if grey.padding is not None:
        inside = stored[~(grey.padding if grey.index is None else grey.padding[grey.index])]
    if inside.size:
        return bool(inside.min() != inside.max())
    if stored.min() != stored.max():
        received = f"values of {stored.min():g} to {stored.max():g}"
        hint = "correct PixelPaddingValue and PixelPaddingRangeLimit, or remove them"
        raise InputError("all of the picture counts as padding", received=received, hint=hint)
    return False


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


def _colour(array: np.ndarray, full: int, channel: str) -> Frame:
    if array.dtype == np.uint8 and full == 255:
        picture = Image.fromarray(np.ascontiguousarray(array[..., :3]))
        values = np.asarray(to_channel(picture, channel)).astype(np.float32)
    else:
        values = (array[..., :3] @ channel_weights(channel)).astype(np.float64)
    return Frame(values, (0, float(full)), None, False, varied=bool(np.ptp(values)))


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
    padding = padding_mask(stored, view)
    inverted = view.PhotometricInterpretation == "MONOCHROME1"
    values = _modality(stored, view)
    if settings.value_range is not None:
        return Frame(values, settings.value_range, padding, inverted)
    if view.get("VOILUTSequence"):
        table = item_table(view.VOILUTSequence[0], view, _possible(view))
        return Frame(table(values).astype(np.float32), table.shown_range(), padding, inverted)
    if _usable_window(view):
        if "BitsStored" not in view:  # floating-point pixels; it only places the output
            view.BitsStored, view.PixelRepresentation = 16, 0
        with np.errstate(over="ignore"):  # the ends of a SIGMOID
            low, high = apply_windowing(np.array([-1e12, 1e12]), view)
            if stored.dtype.kind != "f":
                _check_window(view)
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
        return item_table(view.ModalityLUTSequence[0], view, _storable(view))(stored).astype(np.float32)
    slope, intercept = (view.get(keyword) for keyword in ("RescaleSlope", "RescaleIntercept"))
    if slope in (None, "") and intercept in (None, ""):
        return stored * float(view.DoseGridScaling) if view.get("DoseGridScaling") else stored
    slope = 1.0 if slope in (None, "") else float(slope)  # one without the other is not allowed, but happens
    intercept = 0.0 if intercept in (None, "") else float(intercept)
    ends = intercept + slope * np.array(_storable(view), float)
    if not np.isfinite([slope, intercept, *ends]).all() or np.spacing(np.abs(ends).max()) > abs(slope):
        raise InputError(
            "the rescaling loses the picture",
            received=f"RescaleSlope {slope:g}, RescaleIntercept {intercept:g}",
            hint="export it again with finite numbers, and a slope that tells stored values apart",
        )
    return stored if (slope, intercept) == (1, 0) else stored * slope + intercept


def _storable(view: Dataset) -> tuple[int, int]:
    """Lowest and highest value that the header's bits can store."""
    span, signed = 2 ** int(view.get("BitsStored") or 16), int(view.get("PixelRepresentation") or 0)
    return (-span // 2, span // 2 - 1) if signed else (0, span - 1)


def _possible(view: Dataset) -> tuple[float, float]:
    """Lowest and highest value that may leave the modality transform."""
    if view.get("ModalityLUTSequence"):
        return 0, 2**16 - 1
    ends = _modality(np.array(_storable(view), float), view)
    return float(ends.min()), float(ends.max())


def _check_window(view: Dataset) -> None:
    darkest, brightest = apply_windowing(np.array(_possible(view), float), view)
    if darkest == brightest:
        low, high = _possible(view)
        raise InputError(
            "a window under which all values are one",
            received=f"{view.WindowCenter}, {view.WindowWidth} wide; values may be {low:g} to {high:g}",
            hint="export it again, or correct it with a DICOM editor; a data set's entry in the "
            "configuration may set `read: {value_range: [low, high]}`",
        )


def _usable_window(view: Dataset) -> bool:
    """Empty, zero and negative widths occur in practice and mean no window."""
    centre, width = view.get("WindowCenter"), view.get("WindowWidth")
    try:
        centre, width = (float(np.atleast_1d(np.asarray(v, object))[0]) for v in (centre, width))
    except (TypeError, ValueError, IndexError):
        return False
    least = 1 if str(view.get("VOILUTFunction") or "LINEAR").upper() == "LINEAR" else 0
    return bool(np.isfinite([centre, width]).all()) and width > least

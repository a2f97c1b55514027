"""DICOM files as pictures and as volumes."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fusionmedclip.data.reading.dicom.header import frame_count, frame_view, pixel_spacing, read_header
from fusionmedclip.data.reading.dicom.pixels import Frame, decode_frame, finish, own_range
from fusionmedclip.data.reading.middle import middle_of
from fusionmedclip.data.reading.resize import square_pixels
from fusionmedclip.data.reading.scaling import percentile_range
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError

__all__ = ["join_frames", "read_dicom", "read_dicom_frames", "read_dicom_mask", "scaled_as_volume"]


def read_dicom(path: Path, settings: ReadSettings) -> np.ndarray:
    """Read one frame of a file: modality transform, window, MONOCHROME1, colour, pixel aspect.

    Returns
    -------
    (H, W) float32 array
        In [0, 1]. The middle frame unless ``settings.slice`` names one.
    """
    dataset = read_header(path)
    count = frame_count(dataset)
    wanted = middle_of(count) if settings.slice is None else settings.slice
    if not 0 <= wanted < count:
        raise InputError(f"{path}: no frame {wanted}", allowed=f"0 to {count - 1}")
    frame = decode_frame(dataset, wanted, path=path, settings=settings)
    grey = finish(frame, own_range(frame, settings))
    if not settings.square_pixels:
        return grey
    return square_pixels(grey, *pixel_spacing(frame_view(dataset, wanted)))


def read_dicom_frames(path: Path, settings: ReadSettings) -> np.ndarray:
    """Read all frames of a multi-frame file: (S, H, W) float32 in [0, 1], scaled together."""
    dataset = read_header(path)
    count = frame_count(dataset)
    frames = (decode_frame(dataset, index, path=path, settings=settings) for index in range(count))
    return join_frames(frames, count, settings)


def join_frames(frames: Iterable[Frame], count: int, settings: ReadSettings) -> np.ndarray:
    """Scale ``count`` frames of one size as they come: each by its own window, the others together.

    Frames without a window are scaled by the percentiles of all of these.

    Returns
    -------
    (S, H, W) float32 array
        In [0, 1].
    """
    result, waiting = None, {}
    for index, frame in enumerate(frames):
        if frame.value_range is None:
            waiting[index] = frame
            continue
        grey = finish(frame, frame.value_range)
        result = np.empty((count, *grey.shape), np.float32) if result is None else result
        result[index] = grey
    if not waiting:
        return result
    pixels = np.concatenate([frame.inside for frame in waiting.values()])
    first = next(iter(waiting.values())).pixels
    shared = percentile_range(pixels if pixels.size else first, settings.percentiles)
    result = np.empty((count, *first.shape), np.float32) if result is None else result
    for index, frame in waiting.items():
        result[index] = finish(frame, shared)
    return result


def read_dicom_mask(path: Path, *, frame: int | None = None) -> np.ndarray:
    """Read a mask: everything above 0. A segmentation's segments are united unless ``frame`` names one.

    Returns
    -------
    (H, W) bool array
    """
    dataset = read_header(path)
    frames = range(frame_count(dataset)) if frame is None else [frame]
    raw = ReadSettings(value_range=(0, 1))
    masks = [decode_frame(dataset, index, path=path, settings=raw).pixels > 0 for index in frames]
    return np.logical_or.reduce(masks)


def scaled_as_volume(path: Path, settings: ReadSettings) -> bool:
    """Whether the frames of a file share percentiles, so that one frame cannot be read without the others."""
    header = read_header(path, pixels=False)
    if frame_count(header) == 1 or settings.value_range is not None:
        return False
    view = frame_view(header, 0)
    stated = view.get("WindowWidth") is not None or bool(view.get("VOILUTSequence"))
    return not stated and int(view.get("SamplesPerPixel") or 1) == 1 and int(view.get("BitsStored") or 16) > 8

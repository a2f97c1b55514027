"""DICOM files as pictures and as volumes."""

from pathlib import Path

import numpy as np

from fusionmedclip.data.dicom_header import frame_count, frame_view, pixel_spacing, read_header
from fusionmedclip.data.dicom_pixels import Frame, decode_frame, finish, own_range
from fusionmedclip.data.resize import square_pixels
from fusionmedclip.data.scaling import percentile_range
from fusionmedclip.data.settings import ReadSettings
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
    wanted = count // 2 if settings.slice is None else settings.slice
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
    return join_frames(list(frames), settings)


def join_frames(frames: list[Frame], settings: ReadSettings) -> np.ndarray:
    """Scale frames of one size: each by its own window, or all by the percentiles of all of them."""
    shared = None
    if any(frame.value_range is None for frame in frames):
        inside = [f.values.ravel() if f.padding is None else f.values[~f.padding] for f in frames]
        pixels = np.concatenate(inside)
        shared = percentile_range(pixels if pixels.size else frames[0].values, settings.percentiles)
    result = np.empty((len(frames), *frames[0].values.shape), np.float32)
    for index, frame in enumerate(frames):
        result[index] = finish(frame, frame.value_range or shared)
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
    masks = [decode_frame(dataset, index, path=path, settings=raw).values > 0 for index in frames]
    return np.logical_or.reduce(masks)


def scaled_as_volume(path: Path, settings: ReadSettings) -> bool:
    """Whether the frames of a file share percentiles, so that one frame cannot be read without the others."""
    header = read_header(path, pixels=False)
    if frame_count(header) == 1 or settings.value_range is not None:
        return False
    view = frame_view(header, 0)
    stated = view.get("WindowWidth") is not None or bool(view.get("VOILUTSequence"))
    return not stated and int(view.get("SamplesPerPixel") or 1) == 1 and int(view.get("BitsStored") or 16) > 8

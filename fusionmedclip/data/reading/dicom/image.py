"""DICOM files as pictures and as volumes."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import numpy as np

from fusionmedclip.data.reading.dicom.consistency import check_picture_object, frame_count
from fusionmedclip.data.reading.dicom.header import frame_view, pixel_spacing, read_header
from fusionmedclip.data.reading.dicom.pixels import Frame, decode_frame, finish, own_range
from fusionmedclip.data.reading.middle import middle_of
from fusionmedclip.data.reading.picture_check import check_kept
from fusionmedclip.data.reading.resize import square_pixels
from fusionmedclip.data.reading.scaling import percentile_range
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError

__all__ = ["join_frames", "read_dicom", "read_dicom_frames", "scaled_as_volume"]


def read_dicom(path: Path, settings: ReadSettings) -> np.ndarray:
    """Read one frame of a file: modality transform, window, MONOCHROME1, colour, pixel aspect.

    Returns
    -------
    (H, W) float32 array
        In [0, 1]. The middle frame unless ``settings.slice`` names one.
    """
    dataset = read_header(path)
    check_picture_object(path, dataset)
    count = frame_count(dataset)
    wanted = middle_of(count) if settings.slice is None else settings.slice
    if not 0 <= wanted < count:
        raise InputError(f"{path}: no frame {wanted}", allowed=f"0 to {count - 1}")
    frame = decode_frame(dataset, wanted, path=path, settings=settings)
    grey = finish(frame, own_range(frame, settings))
    check_kept(grey, path, varied=frame.varied)
    if not settings.square_pixels:
        return grey
    return square_pixels(grey, *pixel_spacing(frame_view(dataset, wanted)))


def read_dicom_frames(path: Path, settings: ReadSettings) -> np.ndarray:
    """Read all frames of a multi-frame file: (S, H, W) float32 in [0, 1], scaled together."""
    dataset = read_header(path)
    check_picture_object(path, dataset)
    count = frame_count(dataset)
    spacings = {pixel_spacing(frame_view(dataset, index)) for index in range(count)}
    if len(spacings) > 1:
        received = ", ".join(f"{rows:g} x {columns:g}" for rows, columns in sorted(spacings))
        raise InputError(f"{path}: frames of several pixel spacings", received=received)
    frames = (decode_frame(dataset, index, path=path, settings=settings) for index in range(count))
    return join_frames(frames, count, path=path, settings=settings)


def join_frames(frames: Iterable[Frame], count: int, *, path: Path, settings: ReadSettings) -> np.ndarray:
    """Scale ``count`` frames of one size as they come: each by its own window, or all of them together.

    Frames without a window are scaled by the percentiles of all.

    Returns
    -------
    (S, H, W) float32 array
        In [0, 1].

    Raises
    ------
    InputError
        When some have a window and others none, or when nothing is left of what was stored.
    """
    result: np.ndarray | None = None
    waiting: list[Frame] = []
    varied = False
    for index, frame in enumerate(frames):
        varied = varied or frame.varied
        if frame.value_range is None:
            waiting.append(frame)
            continue
        grey = finish(frame, frame.value_range)
        result = np.empty((count, *grey.shape), np.float32) if result is None else result
        result[index] = grey
    if waiting and result is not None:
        raise InputError(
            f"{path}: some slices have a window and others none",
            received=f"{len(waiting)} of {count} without",
            hint="export it again, or correct it with a DICOM editor; a data set's entry in the "
            "configuration may set `read: {value_range: [low, high]}`, in HU for CT",
        )
    if waiting:
        result = np.stack(list(_scaled_together(waiting, settings)))
    joined = cast(np.ndarray, result)  # there is a frame at least
    check_kept(joined, path, varied=varied)
    return joined


def _scaled_together(frames: list[Frame], settings: ReadSettings) -> Iterator[np.ndarray]:
    pixels = np.concatenate([frame.inside for frame in frames])
    shared = percentile_range(pixels if pixels.size else frames[0].pixels, settings.percentiles)
    return (finish(frame, shared) for frame in frames)


def scaled_as_volume(path: Path, settings: ReadSettings) -> bool:
    """Whether the frames of a file share percentiles, so that one frame cannot be read without the others."""
    header = read_header(path, pixels=False)
    count = frame_count(header)
    if count == 1 or settings.value_range is not None:
        return False
    if int(header.get("SamplesPerPixel") or 1) != 1 or int(header.get("BitsStored") or 16) <= 8:
        return False
    own = "PerFrameFunctionalGroupsSequence" in header
    views = (frame_view(header, index) for index in range(count if own else 1))
    return any(view.get("WindowWidth") is None and not view.get("VOILUTSequence") for view in views)

"""Volumes: files or folders that hold several slices."""

import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from fusionmedclip.data.files.kinds import kind_of
from fusionmedclip.data.reading.dicom.consistency import frame_count
from fusionmedclip.data.reading.dicom.header import frame_view, pixel_spacing, read_header
from fusionmedclip.data.reading.dicom.image import read_dicom_frames
from fusionmedclip.data.reading.dicom.masks import read_series_mask
from fusionmedclip.data.reading.dicom.pixels import decode_frame
from fusionmedclip.data.reading.dicom.series import find_series, read_series
from fusionmedclip.data.reading.middle import middle_of
from fusionmedclip.data.reading.nifti import (
    check_not_colours,
    load_oriented,
    nifti_slice_count,
    read_nifti,
    read_nifti_mask,
)
from fusionmedclip.data.reading.picture_check import checked_picture
from fusionmedclip.data.reading.raster.image import frames_of, read_stack
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded

__all__ = ["Volume", "pick_slice", "read_volume", "slice_count", "stored_volume", "volume_mask_slice"]


@dataclass(frozen=True)
class Volume:
    """Slices in order.

    Attributes
    ----------
    slices : (S, H, W) float32 array
        In [0, 1], as stored: pixels need not be square.
    spacing : (float, float)
        Distance of rows and of columns, in mm where the file says so.
    affine : (4, 4) float64 array or None
        NIfTI: from canonical voxel indices to mm.
    """

    slices: np.ndarray
    spacing: tuple[float, float]
    affine: np.ndarray | None = None


@guarded("volume")
def read_volume(path: Path, *, settings: ReadSettings | None = None) -> Volume:
    """Read all slices of a NIfTI file, a folder with one DICOM series, a multi-frame DICOM or a TIFF stack.

    Raises
    ------
    InputError
        Naming the file or folder that cannot be read.
    """
    path = Path(path)
    volume = _read_volume(path, settings or ReadSettings())
    checked_picture(volume.slices, path)
    return volume


def _read_volume(path: Path, settings: ReadSettings) -> Volume:
    kind = kind_of(path)
    if kind == "series":
        slices, series = read_series(path, settings)
        return Volume(slices, series.spacing[1:])
    if kind == "volume":
        return Volume(*read_nifti(path, settings))
    if kind == "dicom":
        spacing = pixel_spacing(frame_view(read_header(path, pixels=False), 0))
        return Volume(read_dicom_frames(path, settings), spacing)
    return Volume(read_stack(path, settings), (1.0, 1.0))


@guarded("volume")
def slice_count(path: Path, *, settings: ReadSettings | None = None) -> int:
    """Number of slices, from headers alone; 1 for an ordinary picture."""
    kind = kind_of(path)
    if kind == "series":
        return len(find_series(path).files)
    if kind == "volume":
        return nifti_slice_count(path, (settings or ReadSettings()).axis)
    return frame_count(read_header(path, pixels=False)) if kind == "dicom" else frames_of(path)


def pick_slice(path: Path, settings: ReadSettings) -> tuple[np.ndarray, tuple[float, float]]:
    """One slice (the middle one by default) and its pixel spacing; the last volume read is kept."""
    if settings.slice is None and kind_of(path) == "volume":
        check_not_colours(path)
    volume = _recent(path, _stamp(path), replace(settings, slice=None))
    return volume.slices[_wanted(path, settings.slice, len(volume.slices))], volume.spacing


def volume_mask_slice(path: Path, settings: ReadSettings) -> np.ndarray:
    """One slice of a label volume: (H, W) bool."""
    masks = _recent_mask(path, _stamp(path), settings.axis)
    return masks[_wanted(path, settings.slice, len(masks))]


def stored_volume(path: Path) -> np.ndarray:
    """Values of DICOM and NIfTI files before they are scaled, in no particular order of slices."""
    kind = kind_of(path)
    if kind == "volume":
        return load_oriented(path).values
    raw = ReadSettings(value_range=(0, 1))
    frames = []
    for file in find_series(path).files if kind == "series" else [path]:
        dataset = read_header(file)
        count = frame_count(dataset)
        frames += [decode_frame(dataset, index, path=file, settings=raw).pixels for index in range(count)]
    return np.stack(frames)


def _wanted(path: Path, index: int | None, count: int) -> int:
    index = middle_of(count) if index is None else index
    if not 0 <= index < count:
        raise InputError(f"{path}: no slice {index}", allowed=f"0 to {count - 1}")
    return index


def _stamp(path: Path) -> tuple[int, int]:
    """Changes when the file does, so that a kept volume is never stale."""
    if not path.exists():
        raise InputError(f"{path}: no such file")
    status = path.stat()
    return status.st_mtime_ns, status.st_size


_lock = threading.Lock()  # slices of one volume come in a row from several threads: read it once


def _recent(path: Path, stamp: tuple[int, int], settings: ReadSettings) -> Volume:
    with _lock:
        return _read_recent(path, stamp, settings)


def _recent_mask(path: Path, stamp: tuple[int, int], axis: int) -> np.ndarray:
    with _lock:
        return _read_recent_mask(path, stamp, axis)


@lru_cache(maxsize=1)
def _read_recent(path: Path, stamp: tuple[int, int], settings: ReadSettings) -> Volume:
    return read_volume(path, settings=settings)


@lru_cache(maxsize=1)
def _read_recent_mask(path: Path, stamp: tuple[int, int], axis: int) -> np.ndarray:
    if kind_of(path) == "volume":
        return read_nifti_mask(path, axis)
    return read_series_mask(path)

"""DICOM files and series as masks: labels are stored values, and no picture's meaning may change them."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from fusionmedclip.data.reading.dicom.consistency import frame_count
from fusionmedclip.data.reading.dicom.header import read_header
from fusionmedclip.data.reading.dicom.pixels import decode_frame
from fusionmedclip.data.reading.dicom.series import find_series
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError

__all__ = ["read_dicom_mask", "read_series_mask"]

_AS_STORED = ReadSettings(value_range=(0, 1))


def read_dicom_mask(path: Path, *, frame: int | None = None) -> np.ndarray:
    """Read a mask: everything above 0. A segmentation's segments are united unless ``frame`` names one.

    Returns
    -------
    (H, W) bool array

    Raises
    ------
    InputError
        When the header turns grey over, or rescales the labels to others of which none can be 0.
    """
    dataset = read_header(path)
    count = frame_count(dataset)
    if frame is not None and not 0 <= frame < count:
        raise InputError(f"{path}: no frame {frame}", allowed=f"0 to {count - 1}")
    frames = range(count) if frame is None else [frame]
    return np.logical_or.reduce([_labels(dataset, index, path) > 0 for index in frames])


def read_series_mask(folder: Path) -> np.ndarray:
    """Read a folder of masks in the order of its slices: (S, H, W) bool."""
    return np.stack([read_dicom_mask(file) for file in find_series(folder).files])


def _labels(dataset: Dataset, index: int, path: Path) -> np.ndarray:
    frame = decode_frame(dataset, index, path=path, settings=_AS_STORED)
    hint = "write labels as they are: MONOCHROME2, 0 outside, neither rescaled nor signed"
    if frame.inverted:
        raise InputError(f"{path}: a mask in MONOCHROME1, where 0 is white", hint=hint)
    labels = frame.pixels
    intercept = float(dataset.get("RescaleIntercept") or 0)
    if labels.min() < 0 or (intercept > 0 and labels.min() > 0):
        received = (
            f"values of {float(labels.min()):g} to {float(labels.max()):g}, RescaleIntercept {intercept:g}"
        )
        raise InputError(f"{path}: values that are no labels of a mask", received=received, hint=hint)
    return labels

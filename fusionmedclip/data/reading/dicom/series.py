"""A folder of DICOM slices as one volume."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from fusionmedclip.data.files.folders import data_files
from fusionmedclip.data.files.kinds import is_dicom
from fusionmedclip.data.parallel import map_files
from fusionmedclip.data.reading.dicom.consistency import check_picture_object, frame_count
from fusionmedclip.data.reading.dicom.header import pixel_spacing, read_header
from fusionmedclip.data.reading.dicom.image import join_frames
from fusionmedclip.data.reading.dicom.pixels import Frame, decode_frame
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError

__all__ = ["Series", "find_series", "read_series"]


@dataclass(frozen=True)
class Series:
    """Slices of one series, in order.

    Attributes
    ----------
    files : tuple of Path
        From the lowest to the highest position along the normal of the slices.
    spacing : (float, float, float)
        Distance of slices, rows and columns in mm; the first is 1 where the files do not say.
    """

    files: tuple[Path, ...]
    spacing: tuple[float, float, float]


def find_series(folder: Path) -> Series:
    """Order the slices in a folder by their position along the slice normal (else by instance number).

    Raises
    ------
    InputError
        When the folder holds no DICOM file, several series, slices of several sizes or orientations (a
        scout among them), or two slices at one position.
    """
    files = [path for path in data_files(folder, below=False) if is_dicom(path)]
    if not files:
        raise InputError(f"{folder}: no DICOM files in this folder")
    headers = list(map_files(_geometry, files, title="Reading headers"))
    kinds = sorted({(str(h.get("SeriesInstanceUID")), _shape(h), _direction(h)) for h in headers}, key=repr)
    if len(kinds) > 1:
        sizes = sorted({f"{columns} x {rows}" for _, (rows, columns), _ in kinds})
        raise InputError(
            f"{folder}: {len(kinds)} series, sizes or orientations in one folder",
            received=f"{len(files)} files of size {', '.join(sizes)}",
            hint="give each series a folder of its own, and take scouts out; for single pictures "
            "leave out `series`",
        )
    places = [_place(header) for header in headers]
    if any(place is None for place in places):
        places = [int(header.get("InstanceNumber") or 0) for header in headers]
        if len(set(places)) < len(places):
            places = list(range(len(places)))  # no geometry at all: the order of names
    order = np.argsort(places, kind="stable")
    gaps = np.diff(np.asarray(places, float)[order])
    if len(gaps) and gaps.min() < 1e-3:
        hint = "phases or echoes of one series need a folder each"
        raise InputError(f"{folder}: several slices at one position", hint=hint)
    between = float(np.median(gaps)) if len(gaps) and _place(headers[0]) is not None else 1.0
    return Series(tuple(files[index] for index in order), (between, *pixel_spacing(headers[0])))


def read_series(folder: Path, settings: ReadSettings) -> tuple[np.ndarray, Series]:
    """Read a folder: (S, H, W) float32 in [0, 1] and the series.

    Slices with a window keep their own; otherwise the percentiles of the whole volume decide.
    """
    series = find_series(folder)

    def decode(path: Path) -> Frame:
        dataset = read_header(path)
        check_picture_object(path, dataset)
        return decode_frame(dataset, 0, path=path, settings=settings)

    frames = map_files(decode, series.files, title="Reading slices")
    return join_frames(frames, len(series.files), path=folder, settings=settings), series


def _geometry(path: Path) -> Dataset:
    header = read_header(path, pixels=False)
    if frame_count(header) > 1:
        hint = "name the file, not its folder"
        raise InputError(f"{path}: a multi-frame file is a volume by itself", hint=hint)
    return header


def _shape(header: Dataset) -> tuple[int, int]:
    return int(header.Rows), int(header.Columns)


def _direction(header: Dataset) -> tuple[float, ...] | None:
    value = header.get("ImageOrientationPatient")
    return None if not value or len(value) != 6 else tuple(round(float(cosine), 2) + 0.0 for cosine in value)


def _place(header: Dataset) -> float | None:
    """Distance along the normal of the slice, in mm (PS3.3 C.7.6.2.1.1)."""
    direction, position = header.get("ImageOrientationPatient"), header.get("ImagePositionPatient")
    if not direction or not position or len(direction) != 6 or len(position) != 3:
        return None
    cosines = np.asarray(direction, float)
    return float(np.dot(np.cross(cosines[:3], cosines[3:]), np.asarray(position, float)))

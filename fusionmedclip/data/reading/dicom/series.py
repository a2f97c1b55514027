"""A folder of DICOM slices as one volume."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from pydicom.dataset import Dataset

from fusionmedclip.data.files.folders import data_files
from fusionmedclip.data.files.kinds import is_dicom_file, is_image_file
from fusionmedclip.data.files.unread_formats import unread_format
from fusionmedclip.data.parallel import map_files
from fusionmedclip.data.reading.dicom.consistency import check_picture_object, frame_count
from fusionmedclip.data.reading.dicom.gaps import check_gaps, gap_notes
from fusionmedclip.data.reading.dicom.header import pixel_spacing, read_header
from fusionmedclip.data.reading.dicom.image import join_frames
from fusionmedclip.data.reading.dicom.one_patient import check_one_patient
from fusionmedclip.data.reading.dicom.pixels import Frame, decode_frame
from fusionmedclip.data.reading.dicom.slice_place import (
    direction_of,
    number_of,
    place_of,
    position_of,
    same_direction,
    series_without_place,
    shape_of,
)
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError

__all__ = [
    "Series",
    "find_series",
    "order_series",
    "read_series",
    "read_slices",
    "series_files",
]

_UNNAMED = re.compile(r"|\.\d+")  # no suffix, or the last number of a UID
_PLACELESS = "slices do not say where in the patient they lie: they are in the order of their {by}"


@dataclass(frozen=True)
class Series:
    """Slices of one series, in order.

    Attributes
    ----------
    files : tuple of Path
        From the lowest to the highest position along the normal of the slices.
    spacing : (float, float, float)
        Distance of slices, rows and columns in mm; the first is 1 where the files do not say.
    numbers : tuple of int or None
        Instance numbers of the slices; empty where these do not say where they lie.
    notes : tuple of str
        What is odd about their places, where nothing is known to be wrong.
    """

    files: tuple[Path, ...]
    spacing: tuple[float, float, float]
    numbers: tuple[int | None, ...] = ()
    notes: tuple[str, ...] = ()


def series_files(folder: Path) -> list[Path]:
    """Files of a folder that are slices, or ought to be: no slice is passed over because it is damaged.

    Raises
    ------
    InputError
        When there is no DICOM file, or an image of another format.
    """
    files = data_files(folder, below=False)
    if not any(is_dicom_file(path) for path in files):
        raise InputError(f"{folder}: a folder without DICOM files, and so no series")
    others = [path for path in files if not is_dicom_file(path)]
    images = [path.name for path in others if is_image_file(path) or unread_format(path)]
    if images:
        hint = "a folder of slices is one volume; move other images elsewhere"
        raise InputError(f"{folder}: images among the slices", received=", ".join(images[:3]), hint=hint)
    notes = {path for path in others if not _UNNAMED.fullmatch(path.suffix)}
    return [path for path in files if path not in notes]


def find_series(folder: Path) -> Series:
    """Order the slices in a folder by their position along the slice normal (else by instance number).

    Raises
    ------
    InputError
        When the folder holds no DICOM file, several series, slices of several sizes, orientations (a scout
        among them), pixel spacings, units, frames of reference or patients, two slices at one position, or
        none where one has to be.
    """
    return order_series(series_files(folder), folder)


def order_series(files: Sequence[Path], folder: Path) -> Series:
    """The same for files that are known to belong together; ``folder`` is what messages call them."""
    headers = list(map_files(_geometry, files, title="Reading headers"))
    _check_alike(folder, headers)
    check_one_patient(files, folder)
    directions = [direction_of(header) for header in headers]
    normal = next((one for one in directions if one), None)  # one for all: far from the origin 1e-5 is much
    places = [place_of(header, normal) for header in headers]
    lost = places.count(None)
    if 0 < lost < len(places):
        what = f"{folder}: slices without a position among others that have one"
        raise InputError(what, received=f"{lost} of {len(places)}", hint="export the series again")
    by = "instance numbers"
    if lost:
        places = [number_of(header) or 0 for header in headers]
        if len(set(places)) < len(places):
            by, places = "names", list(range(len(places)))  # no geometry at all
    order = np.argsort(cast(list[float], places), kind="stable")
    ordered = tuple(files[index] for index in order)
    if lost or len(places) < 2:
        placeless = lost and len(places) > 1 and any(map(series_without_place, headers))
        said = (_PLACELESS.format(by=by),) if placeless else ()
        return Series(ordered, (1.0, *pixel_spacing(headers[0])), notes=said)
    numbers = tuple(number_of(headers[index]) for index in order)
    gaps = np.diff(np.asarray(places, float)[order])
    check_gaps(folder, gaps, numbers)
    notes = gap_notes(gaps, np.array([position_of(headers[index]) for index in order]))
    return Series(ordered, (float(np.median(gaps)), *pixel_spacing(headers[0])), numbers, notes)


def _check_alike(folder: Path, headers: list[Dataset]) -> None:
    kinds = {(str(h.get("SeriesInstanceUID")), shape_of(h)) for h in headers}
    first, *others = [direction_of(h) for h in headers]
    if len(kinds) > 1 or not all(same_direction(first, one) for one in others):
        sizes = sorted({f"{columns} x {rows}" for _, (rows, columns) in kinds})
        raise InputError(
            f"{folder}: several series, sizes or orientations in one folder",
            received=f"{len(headers)} files of size {', '.join(sizes)}",
            hint="give each series a folder of its own, and take scouts out; a data set's "
            "entry in the configuration reads single pictures without `series`",
        )
    facts = {
        "pixel spacings": {" x ".join(f"{side:.4g}" for side in pixel_spacing(h)) for h in headers},
        "numbers of samples": {str(h.get("SamplesPerPixel") or 1) for h in headers},
        "units": {"rescaled" if _rescaled(h) else "not rescaled" for h in headers},
    }
    for name, found in facts.items():
        if len(found) > 1:
            hint = "export the series again; a data set's entry in the configuration reads single "
            hint += "pictures without `series`"
            raise InputError(
                f"{folder}: slices of several {name}", received=", ".join(sorted(found)), hint=hint
            )
    frames = {str(h.get("FrameOfReferenceUID") or "") for h in headers} - {""}
    if len(frames) > 1:  # a series has one (PS3.3, C.7.4.1), and a place is one in it
        hint = "parts of several scans under one number: export each by itself"
        what = f"{folder}: slices of several frames of reference, whose places do not compare"
        raise InputError(what, received=f"{len(frames)} in {len(headers)} files", hint=hint)


def _rescaled(header: Dataset) -> bool:
    keywords = ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence")
    return any(header.get(keyword) not in (None, "") for keyword in keywords)


def read_series(folder: Path, settings: ReadSettings) -> tuple[np.ndarray, Series]:
    """Read a folder: (S, H, W) float32 in [0, 1] and the series.

    Slices with a window keep their own; otherwise the percentiles of the whole volume decide.
    """
    series = find_series(folder)
    return read_slices(series, folder, settings), series


def read_slices(series: Series, folder: Path, settings: ReadSettings) -> np.ndarray:
    """Decode the slices of a series: (S, H, W) float32 in [0, 1]; ``folder`` as in :func:`order_series`."""

    def decode(path: Path) -> Frame:
        dataset = read_header(path)
        check_picture_object(path, dataset)
        return decode_frame(dataset, 0, path=path, settings=settings)

    frames = map_files(decode, series.files, title="Reading slices")
    return join_frames(frames, len(series.files), path=folder, settings=settings)


def _geometry(path: Path) -> Dataset:
    header = read_header(path, pixels=False)
    if frame_count(header) > 1:
        hint = "name the file, not its folder"
        raise InputError(f"{path}: a multi-frame file is a volume by itself", hint=hint)
    return header

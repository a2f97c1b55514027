"""A folder of DICOM slices as one volume."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from pydicom.dataset import Dataset

from fusionmedclip.data.files.folders import data_files
from fusionmedclip.data.files.kinds import is_dicom_file, is_image_file
from fusionmedclip.data.files.unread_formats import unread_format
from fusionmedclip.data.parallel import map_files
from fusionmedclip.data.reading.dicom.consistency import check_picture_object, frame_count
from fusionmedclip.data.reading.dicom.gaps import check_gaps
from fusionmedclip.data.reading.dicom.header import PHASES, pixel_spacing, read_header
from fusionmedclip.data.reading.dicom.image import join_frames
from fusionmedclip.data.reading.dicom.pixels import Frame, decode_frame
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError

__all__ = [
    "Series",
    "SlicePlace",
    "along",
    "find_series",
    "order_series",
    "read_series",
    "read_slices",
    "same_direction",
    "series_files",
    "series_key",
]

_TURNED = 0.01  # of a direction cosine, above which two slices are turned against each other
_UNNAMED = re.compile(r"|\.\d+")  # no suffix, or the last number of a UID


@dataclass(frozen=True)
class Series:
    """Slices of one series, in order.

    Attributes
    ----------
    files : tuple of Path
        From the lowest to the highest position along the normal of the slices.
    spacing : (float, float, float)
        Distance of slices, rows and columns in mm; the first is 1 where the files do not say.
    reach : (float, float) or None
        The smallest and the largest distance of two neighbours in mm; None where the files do not say.
    """

    files: tuple[Path, ...]
    spacing: tuple[float, float, float]
    reach: tuple[float, float] | None = None


class SlicePlace(NamedTuple):
    """Of which volume a file is a slice, and where in it.

    Attributes
    ----------
    series : str
        Its UID.
    shape : (int, int)
        Rows and columns.
    direction : tuple of 6 floats
        Cosines of its rows and columns; those of two slices are compared by :func:`same_direction`.
    position : tuple of 3 floats
        Of its first pixel in the patient, mm.
    at : float
        Distance along the normal, mm.
    phase : tuple of str
        Of each of ``PHASES``; differs between slices of several volumes of one series.
    """

    series: str
    shape: tuple[int, int]
    direction: tuple[float, ...]
    position: tuple[float, ...]
    at: float
    phase: tuple[str, ...]


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
        among them), pixel spacings or units, two slices at one position, or none where one has to be.
    """
    return order_series(series_files(folder), folder)


def order_series(files: Sequence[Path], folder: Path) -> Series:
    """The same for files that are known to belong together; ``folder`` is what messages call them."""
    headers = list(map_files(_geometry, files, title="Reading headers"))
    _check_alike(folder, headers)
    directions = [_direction(header) for header in headers]
    normal = next((one for one in directions if one), None)  # one for all: far from the origin 1e-5 is much
    places = [_place(header, normal) for header in headers]
    lost = places.count(None)
    if 0 < lost < len(places):
        what = f"{folder}: slices without a position among others that have one"
        raise InputError(what, received=f"{lost} of {len(places)}", hint="export the series again")
    if lost:
        places = [int(header.get("InstanceNumber") or 0) for header in headers]
        if len(set(places)) < len(places):
            places = list(range(len(places)))  # no geometry at all: the order of names
    order = np.argsort(cast(list[float], places), kind="stable")
    between, reach = 1.0, None
    if not lost and len(places) > 1:
        numbers = [headers[index].get("InstanceNumber") for index in order]
        gaps = np.diff(np.asarray(places, float)[order])
        check_gaps(folder, gaps, numbers)
        between, reach = float(np.median(gaps)), (float(gaps.min()), float(gaps.max()))
    spacing = (between, *pixel_spacing(headers[0]))
    return Series(tuple(files[index] for index in order), spacing, reach)


def _check_alike(folder: Path, headers: list[Dataset]) -> None:
    kinds = {(str(h.get("SeriesInstanceUID")), _shape(h)) for h in headers}
    first, *others = [_direction(h) for h in headers]
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


def series_key(header: Dataset) -> SlicePlace | None:
    """Of which series a file is a slice, and where it lies in it.

    None for a picture by itself: several frames, or no place in space.

    Views of one study, a chest from the front and from the side, may share their series' number; only slices
    say where in the patient they lie.
    """
    direction, position = _direction(header), _position(header)
    place = _place(header, direction)
    if frame_count(header) > 1 or not header.get("SeriesInstanceUID"):
        return None
    if direction is None or position is None or place is None:
        return None
    phase = tuple(str(header.get(keyword, "")) for keyword in PHASES)
    return SlicePlace(str(header.SeriesInstanceUID), _shape(header), direction, position, place, phase)


def same_direction(first: Sequence[float] | None, second: Sequence[float] | None) -> bool:
    """Whether two slices lie alike: cosines of one scan differ in their last digits, by rounding."""
    if first is None or second is None:
        return first is second
    return bool(np.allclose(first, second, rtol=0, atol=_TURNED))


def along(direction: Sequence[float], position: Sequence[float]) -> float:
    """Distance of a position along the normal of slices, mm (PS3.3 C.7.6.2.1.1)."""
    return float(np.dot(np.cross(direction[:3], direction[3:]), position))


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
    return None if not value or len(value) != 6 else tuple(float(cosine) for cosine in value)


def _position(header: Dataset) -> tuple[float, ...] | None:
    value = header.get("ImagePositionPatient")
    return None if not value or len(value) != 3 else tuple(float(x) for x in value)


def _place(header: Dataset, normal: Sequence[float] | None) -> float | None:
    """Where a slice lies along the normal of slices of a direction, mm; None where it does not say."""
    position = _position(header)
    if normal is None or position is None or _direction(header) is None:
        return None
    place = along(normal, position)
    return place if np.isfinite(place) else None

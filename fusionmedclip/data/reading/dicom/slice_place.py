"""Where one DICOM slice lies in the patient, and of which series it is."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, PositronEmissionTomographyImageStorage

from fusionmedclip.data.reading.dicom.consistency import frame_count
from fusionmedclip.data.reading.dicom.header import PHASES

__all__ = [
    "SlicePlace",
    "along",
    "direction_of",
    "number_of",
    "place_of",
    "position_of",
    "same_direction",
    "series_key",
    "series_without_place",
    "shape_of",
]

_TURNED = 0.01  # of a direction cosine, above which two slices are turned against each other
_PLACED = (CTImageStorage, MRImageStorage, PositronEmissionTomographyImageStorage)
"""Kinds that must say where they lie (PS3.3, C.7.6.2): radiographs and ultrasound share a series without."""


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
    number : int or None
        Of its instance.
    """

    series: str
    shape: tuple[int, int]
    direction: tuple[float, ...]
    position: tuple[float, ...]
    at: float
    phase: tuple[str, ...]
    number: int | None = None


def series_key(header: Dataset) -> SlicePlace | None:
    """Of which series a file is a slice, and where it lies in it.

    None for a picture by itself: several frames, or no place in space.

    Views of one study, a chest from the front and from the side, may share their series' number; only slices
    say where in the patient they lie.
    """
    direction, position = direction_of(header), position_of(header)
    place = place_of(header, direction)
    if frame_count(header) > 1 or not header.get("SeriesInstanceUID"):
        return None
    if direction is None or position is None or place is None:
        return None
    phase = tuple(str(header.get(keyword, "")) for keyword in PHASES)
    series, number = str(header.SeriesInstanceUID), number_of(header)
    return SlicePlace(series, shape_of(header), direction, position, place, phase, number)


def series_without_place(header: Dataset) -> str | None:
    """Of which series a slice is that ought to say where it lies, and does not; None of all else."""
    if frame_count(header) > 1 or header.get("SOPClassUID") not in _PLACED or series_key(header) is not None:
        return None
    return str(header.get("SeriesInstanceUID") or "") or None


def same_direction(first: Sequence[float] | None, second: Sequence[float] | None) -> bool:
    """Whether two slices lie alike: cosines of one scan differ in their last digits, by rounding."""
    if first is None or second is None:
        return first is second
    return bool(np.allclose(first, second, rtol=0, atol=_TURNED))


def along(direction: Sequence[float], position: Sequence[float]) -> float:
    """Distance of a position along the normal of slices, mm (PS3.3 C.7.6.2.1.1)."""
    return float(np.dot(np.cross(direction[:3], direction[3:]), position))


def shape_of(header: Dataset) -> tuple[int, int]:
    """Rows and columns."""
    return int(header.Rows), int(header.Columns)


def number_of(header: Dataset) -> int | None:
    """Of its instance; None where it has none."""
    try:
        return int(header.get("InstanceNumber"))
    except (TypeError, ValueError):  # absent, empty or several
        return None


def direction_of(header: Dataset) -> tuple[float, ...] | None:
    """Cosines of its rows and columns, six; None where it does not say."""
    value = header.get("ImageOrientationPatient")
    return None if not value or len(value) != 6 else tuple(float(cosine) for cosine in value)


def position_of(header: Dataset) -> tuple[float, ...] | None:
    """Place of its first pixel in the patient, mm; None where it does not say."""
    value = header.get("ImagePositionPatient")
    return None if not value or len(value) != 3 else tuple(float(x) for x in value)


def place_of(header: Dataset, normal: Sequence[float] | None) -> float | None:
    """Where a slice lies along the normal of slices of a direction, mm; None where it does not say."""
    position = position_of(header)
    if normal is None or position is None or direction_of(header) is None:
        return None
    place = along(normal, position)
    return place if np.isfinite(place) else None

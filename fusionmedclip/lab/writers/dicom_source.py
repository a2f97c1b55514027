"""The header of a DICOM source, as an object that points at it must repeat it.

This is the one place that reads who a patient is: the Patient and Study modules of a derived object are those
of its source (DICOM PS3.3, C.7.1 and C.7.2), or an archive would file it under nobody. Nothing of it goes
anywhere else.
"""

from collections.abc import Sequence
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from fusionmedclip.data.reading.dicom.consistency import frame_count
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading
from fusionmedclip.lab.writers.dicom_geometry import frame_affine, frame_views

__all__ = ["is_placed", "read_sources", "without_place"]

_NAMED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
_MAY_BE_EMPTY = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip
"""Type 2: present in every object, empty where unknown."""


def read_sources(files: Sequence[Path]) -> list[Dataset]:
    """Whole headers without pixels, completed by what every object has to have.

    Raises
    ------
    InputError
        If a file lacks the identifiers by which another object could point at it. No value is told.
    """
    sources: list[Dataset] = []
    for path in files:
        with reading(path, "DICOM file", private=True), pydicom.config.disable_value_validation():
            source = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            for _ in source.iterall():  # values are parsed here, where a warning cannot repeat one
                pass
            missing = [keyword for keyword in _NAMED if not source.get(keyword)]
        if missing:
            raise InputError(f"{path}: nothing can point at it", received=f"no {', '.join(missing)}")
        for keyword in _MAY_BE_EMPTY:
            if keyword not in source:
                setattr(source, keyword, "")
        if source.PatientSex not in ("", "M", "F", "O"):  # no other value may be written
            source.PatientSex = ""
        sources.append(source)
    return sources


def is_placed(files: Sequence[Path], sources: Sequence[Dataset]) -> bool:
    """Whether every frame lies at a known place of a frame of reference, in pixels of a known size."""
    several = frame_count(sources[0]) > 1
    functional = "PerFrameFunctionalGroupsSequence" in sources[0]
    return (
        all(source.get("FrameOfReferenceUID") for source in sources)
        and (functional or not several)
        and all(view.get("PixelSpacing") and frame_affine(view) is not None for view in frame_views(files))
    )


def without_place(source: Dataset) -> Dataset:
    """The header without a frame of reference, where that alone says nothing of a place."""
    copy = Dataset()
    copy.update(source)
    copy.file_meta = source.file_meta
    for keyword in ("FrameOfReferenceUID", "PositionReferenceIndicator"):
        if keyword in copy:
            del copy[keyword]
    return copy

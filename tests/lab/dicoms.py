"""DICOM files that another program might have written: complete by the standard, of a made-up patient."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

__all__ = ["PATIENT", "ct_series", "multi_frame", "oblique", "projection", "write_series"]

PATIENT = {"PatientName": "Zebrafink^Wilhelmina", "PatientID": "ZF-7781", "PatientBirthDate": "19310203"}


def oblique() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors along a row, along a column, and their normal, in LPS; none along an axis."""
    row = np.array([0.8, 0.6, 0.0])
    column = np.array([-0.36, 0.48, 0.8])
    return row, column, np.cross(row, column)


def ct_series(
    folder: Path, *, size: tuple[int, int] = (20, 24), steps: np.ndarray | None = None
) -> list[Path]:
    """Slices of 0.7 mm rows and 0.5 mm columns, 2.5 mm apart, or at places (n, 3) from the first."""
    row, column, normal = oblique()
    steps = np.arange(4)[:, None] * 2.5 * normal if steps is None else steps
    study, series, frame = (
        generate_uid(entropy_srcs=[str(folder), name]) for name in ("study", "series", "frame")
    )
    paths = []
    for number, step in enumerate(steps):
        dataset = _started(CTImageStorage, study, series, number, size, bits=12)
        dataset.Modality, dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = "CT", frame, ""
        dataset.PixelSpacing, dataset.SliceThickness = [0.7, 0.5], 2.5
        dataset.ImageOrientationPatient = [*row, *column]
        dataset.ImagePositionPatient = [round(float(x), 6) for x in np.array([-10.0, 20.0, 30.0]) + step]
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = -1024, 1, "HU"
        dataset.KVP, dataset.AcquisitionNumber = 120, 1
        paths.append(_saved(dataset, folder / f"{number:02d}.dcm"))
    return paths


def projection(path: Path, *, size: tuple[int, int] = (40, 30)) -> Path:
    """A digital radiograph: no place in space."""
    uids = (generate_uid(entropy_srcs=[str(path), name]) for name in ("study", "series"))
    dataset = _started(DigitalXRayImageStorageForPresentation, *uids, 0, size, bits=12)
    dataset.Modality, dataset.ImagerPixelSpacing, dataset.BodyPartExamined = "DX", [0.2, 0.2], "CHEST"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", ""]
    return _saved(dataset, path)


def multi_frame(path: Path, *, count: int = 3, size: tuple[int, int] = (40, 30)) -> Path:
    """An ultrasound film: frames in time, no place in space."""
    uids = (generate_uid(entropy_srcs=[str(path), name]) for name in ("study", "series"))
    dataset = _started(UltrasoundMultiFrameImageStorage, *uids, 0, size, bits=8, count=count)
    dataset.Modality, dataset.FrameTime = "US", 40
    return _saved(dataset, path)


def _started(
    kind: str, study: str, series: str, number: int, size: tuple[int, int], *, bits: int, count: int = 1
) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = kind
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[series, str(number)])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    for keyword, value in PATIENT.items():
        setattr(dataset, keyword, value)
    dataset.PatientSex, dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "F", "20240506", "101112", "1"
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "ACC-5", ""
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SeriesNumber = study, series, 3
    dataset.InstanceNumber = number + 1
    if count > 1:
        dataset.NumberOfFrames = count
    dataset.Rows, dataset.Columns = size
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = (8 if bits == 8 else 16), bits, bits - 1
    dataset.PixelRepresentation = 0
    values = np.arange(count * size[0] * size[1]).reshape(count, *size) % (1 << bits)
    dataset.PixelData = values.astype(np.uint8 if bits == 8 else np.uint16).tobytes()
    return dataset


def _saved(dataset: Dataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_series(
    folder: Path, places: list[float], *, uid: str | None = None, first: int = 0, echoes: list | None = None
) -> None:
    """Slices of one series, of which each has another grey value in its corner."""
    folder.mkdir(parents=True, exist_ok=True)
    given = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    given.SeriesInstanceUID = uid or generate_uid()
    given.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    for number, place in enumerate(places, first):
        given.SOPInstanceUID = given.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        given.ImagePositionPatient = [0, 0, place]
        given.EchoTime = None if echoes is None else echoes[number - first]
        pixels = given.pixel_array.copy()
        pixels[:8, :8] = 900 + 20 * place
        pixels[8:16, :8] = number
        given.PixelData = pixels.tobytes()
        given.save_as(folder / f"{number}.dcm")

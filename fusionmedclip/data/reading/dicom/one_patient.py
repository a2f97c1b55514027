"""Whether slices are of one patient, by a number that is compared as bytes and never read."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pydicom
from pydicom.dataelem import RawDataElement

from fusionmedclip.data.parallel import map_files
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading

__all__ = ["check_one_patient"]


def check_one_patient(files: Sequence[Path], folder: Path) -> None:
    """Refuse slices of several patients; files without a patient's number are of any.

    Parameters
    ----------
    files : sequence of Path
        Slices of one series.
    folder : Path
        What messages call it.

    Raises
    ------
    InputError
        Saying how many, and nothing of whom.
    """
    patients = set(map_files(_patient, files, title="Comparing patients")) - {b""}
    if len(patients) > 1:
        hint = "give each patient's slices a folder and a series of their own"
        received = f"{len(patients)} in {len(files)} files"
        raise InputError(f"{folder}: slices of several patients", received=received, hint=hint)


def _patient(path: Path) -> bytes:
    """Digest of the stored bytes of PatientID (0010,0020), less their padding; empty where there are none."""
    with reading(path, "DICOM file", private=True), pydicom.config.disable_value_validation():
        header = pydicom.dcmread(path, specific_tags=["PatientID"], stop_before_pixels=True, force=True)
        element = header.get_item("PatientID")
    stored = element.value if isinstance(element, RawDataElement) else None
    number = (stored or b"").strip(b" \0")
    return sha256(number).digest() if number else b""

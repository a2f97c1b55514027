"""The part of a DICOM file that may be read: geometry and the meaning of pixels.

Names, dates, numbers and free text of a patient are never parsed, so they cannot reach a result, a message
or a log: the file is read with the allow-list below and nothing else.
"""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from fusionmedclip.data.files.kinds import is_dicom
from fusionmedclip.data.reading.claims import BoundedFile
from fusionmedclip.data.reading.dicom.consistency import PIXEL_KEYS, check_header
from fusionmedclip.data.reading.dicom.deflated import check_inflated
from fusionmedclip.data.reading.dicom.stored import OVERLAYS
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading

__all__ = [
    "GEOMETRY",
    "PHASES",
    "PIXELS",
    "frame_view",
    "pixel_spacing",
    "read_header",
]

GEOMETRY = (
    "Rows", "Columns", "NumberOfFrames", "ImagePositionPatient", "ImageOrientationPatient",
    "InstanceNumber", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing",
    "PixelAspectRatio", "SliceThickness", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "SeriesInstanceUID", "FrameOfReferenceUID",  # tell series apart in memory; never written anywhere
)  # fmt: skip
"""Where the pixels lie."""

PHASES = (
    "EchoTime", "TemporalPositionIdentifier", "DiffusionBValue", "TriggerTime", "AcquisitionNumber",
    "ImageType",
)  # fmt: skip
"""What may differ between slices of one series at one place."""

PIXELS = (
    "SOPClassUID", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit",
    "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "WindowCenter", "WindowWidth",
    "VOILUTFunction", "VOILUTSequence", "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData", "SegmentedBluePaletteColorLookupTableData",
    "FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit", "DoubleFloatPixelPaddingValue",
    "DoubleFloatPixelPaddingRangeLimit", "DoseGridScaling", "BurnedInAnnotation", "PresentationLUTShape",
    "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PixelData", "FloatPixelData",
    "DoubleFloatPixelData",
)  # fmt: skip
"""What the pixels mean."""

_TAGS = [*(Tag(keyword) for keyword in GEOMETRY + PHASES + PIXELS), *OVERLAYS]

_NUMBERS = (
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored",
    "PixelRepresentation", "HighBit", "RescaleSlope", "RescaleIntercept",
)  # fmt: skip
_HINT = "export it again, or take it out of the folder"


def read_header(path: Path, *, pixels: bool = True) -> Dataset:
    """Read the allow-listed part of a file.

    Parameters
    ----------
    path : Path
    pixels : bool
        Also read the (still encoded) pixel data; False is quick and reads geometry only.

    Raises
    ------
    InputError
        Naming the file when it is missing, empty, no DICOM or without pixels.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: empty file (0 bytes)", hint=_HINT)
    # Files from before 1993, and some exports, lack the preamble; without pixels they are refused below.
    # Validation would print values, and of a private element's neighbours nobody knows what they hold.
    with (
        reading(path, "DICOM file", hint=_HINT, private=True),
        pydicom.config.disable_value_validation(),
    ):
        check_inflated(path)
        with BoundedFile(path) as file:
            dataset = pydicom.dcmread(file, specific_tags=_TAGS, stop_before_pixels=not pixels, force=True)
        _complete_syntax(dataset)
        broken = _convert(dataset)
    if broken:
        raise InputError(f"{path}: unreadable value of {', '.join(broken)}", hint=_HINT)
    readable = "Rows" in dataset and "Columns" in dataset
    if not readable and not is_dicom(path):
        raise InputError(f"{path}: not a DICOM image", hint=_HINT)
    if not readable or (pixels and not any(key in dataset for key in PIXEL_KEYS)):
        hint = "reports, plans, structure sets and waveforms are no images: take them out of the folder"
        raise InputError(f"{path}: a DICOM file without pixels", hint=hint)
    check_header(path, dataset, complete=pixels)
    return dataset


def _convert(dataset: Dataset) -> list[str]:
    """Parse every element now; drop what is malformed, and return it where pixels cannot do without."""
    broken = []
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]  # pydicom parses on first access
            if element.keyword in _NUMBERS and element.value not in (None, ""):
                float(element.value)
        except Exception:
            keyword = pydicom.datadict.keyword_for_tag(tag)
            del dataset[tag]
            if keyword in (*_NUMBERS, "PhotometricInterpretation"):
                broken.append(keyword)
    return broken


def frame_view(dataset: Dataset, frame: int) -> Dataset:
    """Attributes of one frame at the top level, wherever an enhanced multi-frame file keeps them."""
    view = Dataset()
    view.file_meta = dataset.file_meta
    for element in dataset:
        if element.keyword not in PIXEL_KEYS and not element.keyword.endswith("FunctionalGroupsSequence"):
            view.add(element)
    groups = list(dataset.get("SharedFunctionalGroupsSequence") or [])[:1]
    groups += list(dataset.get("PerFrameFunctionalGroupsSequence") or [])[frame : frame + 1]
    for group in groups:
        for sequence in group:
            if sequence.VR != "SQ" or not sequence.value:
                continue
            for element in sequence.value[0]:
                if element.keyword in GEOMETRY + PIXELS:
                    view.add(element)
    return view


def pixel_spacing(view: Dataset) -> tuple[float, float]:
    """Distance of rows and of columns, in mm where the file says so, else relative; (1, 1) if unknown."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"):
        value = view.get(keyword)
        try:
            rows, columns = (float(item) for item in value)
        except (TypeError, ValueError):
            continue  # absent, empty or malformed
        if np.isfinite([rows, columns]).all() and rows > 0 and columns > 0:
            return rows, columns
    return 1.0, 1.0


def _complete_syntax(dataset: Dataset) -> None:
    """Keep nothing of the meta information but the encoding, which is known even where it is missing."""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        syntax = ImplicitVRLittleEndian if implicit else explicit
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax

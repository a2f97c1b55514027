"""The part of a DICOM file that may be read: geometry and the meaning of pixels.

Names, dates, numbers and free text of a patient are never parsed, so they cannot reach a result, a message
or a log: the file is read with the allow-list below and nothing else.
"""

import math
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from fusionmedclip.data.files.kinds import is_dicom
from fusionmedclip.data.reading.claims import MAX_PIXELS, BoundedFile, check_claim
from fusionmedclip.data.reading.dicom.deflated import check_inflated
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading

__all__ = [
    "GEOMETRY",
    "PIXELS",
    "frame_count",
    "frame_view",
    "pixel_spacing",
    "read_header",
]

GEOMETRY = (
    "Rows", "Columns", "NumberOfFrames", "ImagePositionPatient", "ImageOrientationPatient",
    "InstanceNumber", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing",
    "PixelAspectRatio", "SliceThickness", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "SeriesInstanceUID",  # tells series apart in memory; never written anywhere
)  # fmt: skip
"""Where the pixels lie."""

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
    "DoubleFloatPixelPaddingRangeLimit", "DoseGridScaling", "BurnedInAnnotation",
    "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PixelData", "FloatPixelData",
    "DoubleFloatPixelData",
)  # fmt: skip
"""What the pixels mean."""

_TAGS = [Tag(keyword) for keyword in GEOMETRY + PIXELS]

_NUMBERS = (
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored",
    "PixelRepresentation", "HighBit", "RescaleSlope", "RescaleIntercept",
)  # fmt: skip
_NEEDED = ("SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated")
_NEEDED_BY_INTEGERS = ("BitsStored", "PixelRepresentation")
_PIXEL_KEYS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
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
    if not readable or (pixels and not any(key in dataset for key in _PIXEL_KEYS)):
        hint = "reports, plans, structure sets and waveforms are no images: take them out of the folder"
        raise InputError(f"{path}: a DICOM file without pixels", hint=hint)
    _check_pixel_header(path, dataset, complete=pixels)
    return dataset


def _check_pixel_header(path: Path, dataset: Dataset, *, complete: bool) -> None:
    """Refuse what cannot be read rightly: elements that are missing, at odds, or claim more than there is."""
    needed = _NEEDED + (_NEEDED_BY_INTEGERS if "PixelData" in dataset else ())
    missing = [keyword for keyword in needed if dataset.get(keyword) in (None, "")]
    if complete and missing:
        hint = "add them with a DICOM editor (MONOCHROME2 is grey whose low values are dark)"
        raise InputError(f"{path}: the header lacks {', '.join(missing)}", hint=hint)
    stored, highest = dataset.get("BitsStored"), dataset.get("HighBit")
    if stored not in (None, "") and highest not in (None, "") and int(highest) != int(stored) - 1:
        received = f"HighBit {highest}, BitsStored {stored}"
        hint = "which bits hold the picture is not clear; HighBit has to be BitsStored - 1"
        raise InputError(f"{path}: HighBit and BitsStored disagree", received=received, hint=hint)
    frames, pixels = frame_count(dataset), int(dataset.Rows) * int(dataset.Columns)
    if frames < 1 or not 0 < pixels <= MAX_PIXELS:
        received = f"{frames} frames of {dataset.Columns} x {dataset.Rows} pixels"
        raise InputError(f"{path}: not a picture's size", received=received, hint=_HINT)
    if "422" in str(dataset.get("PhotometricInterpretation")):
        samples = 2  # two of three, as chroma is halved
    else:
        samples = int(dataset.get("SamplesPerPixel") or 1)
    claimed = math.ceil(frames * pixels * samples * int(dataset.get("BitsAllocated") or 8) / 8)
    syntax = dataset.file_meta.TransferSyntaxUID
    packed = syntax.is_encapsulated or syntax.is_deflated
    check_claim(path, claimed, packed=packed)


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


def frame_count(dataset: Dataset) -> int:
    """Number of frames, 1 where the header says nothing."""
    return int(dataset.get("NumberOfFrames") or 1)


def frame_view(dataset: Dataset, frame: int) -> Dataset:
    """Attributes of one frame at the top level, wherever an enhanced multi-frame file keeps them."""
    view = Dataset()
    view.file_meta = dataset.file_meta
    for element in dataset:
        if element.keyword not in _PIXEL_KEYS and not element.keyword.endswith("FunctionalGroupsSequence"):
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

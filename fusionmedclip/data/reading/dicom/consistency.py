"""What a DICOM header has to say, and to agree on with its pixels, before these are decoded."""

import math
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import UID

from fusionmedclip.data.reading.claims import MAX_PIXELS, check_claim
from fusionmedclip.data.reading.dicom.fragments import check_frame_count
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading

__all__ = ["PIXEL_KEYS", "check_header", "check_picture_object", "frame_count"]

PIXEL_KEYS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

_NEEDED = ("SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated")
_NEEDED_BY_INTEGERS = ("BitsStored", "PixelRepresentation")
_HINT = "export it again, or take it out of the folder"

_GREY = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")

_NO_PICTURES = "1.2.840.10008.5.1.4.1.1.66"  # raw data, registrations, segmentations (PS3.4, B.5)
_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"  # VL Whole Slide Microscopy Image Storage
_PICTURES = ("RT Dose", "Parametric Map", "Thickness Map", "Topography Map")  # pictures not named so


def frame_count(dataset: Dataset) -> int:
    """Number of frames, 1 where the header says nothing."""
    return int(dataset.get("NumberOfFrames") or 1)


def check_header(path: Path, dataset: Dataset, *, complete: bool) -> None:
    """Refuse what cannot be read rightly: elements that are missing, at odds, or not those of the pixels.

    Parameters
    ----------
    path : Path
    dataset : Dataset
    complete : bool
        The pixels were read as well.

    Raises
    ------
    InputError
        Naming the file and the elements.
    """
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
    if complete:
        _check_meaning(path, dataset)
    _check_length(path, dataset, frames, complete=complete)


def _check_meaning(path: Path, dataset: Dataset) -> None:
    """Refuse pixels whose meaning is unknown here, or told in two ways."""
    said, samples = str(dataset.PhotometricInterpretation), int(dataset.SamplesPerPixel)
    allowed = _COLOUR if samples == 3 else _GREY
    if samples not in (1, 3) or said not in allowed:
        what = f"{path}: not a PhotometricInterpretation that is read of {samples} samples a pixel"
        raise InputError(what, received=said, allowed=", ".join(allowed), hint=_HINT)
    if said == "MONOCHROME2" and dataset.get("PresentationLUTShape") == "INVERSE":
        what = f"{path}: PhotometricInterpretation and PresentationLUTShape disagree on what is white"
        hint = "MONOCHROME2 goes with IDENTITY, MONOCHROME1 with INVERSE; correct one with a DICOM editor"
        raise InputError(what, received="MONOCHROME2, INVERSE", hint=hint)


def _check_length(path: Path, dataset: Dataset, frames: int, *, complete: bool) -> None:
    """Hold what the header announces against the bytes of pixels there are, both ways.

    Some writers add bytes. Fewer than a row or a column has are harmless: neither number is wrong then.
    """
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    halved = dataset.get("PhotometricInterpretation") in ("YBR_FULL_422", "YBR_PARTIAL_422")
    samples = 2 if halved else int(dataset.get("SamplesPerPixel") or 1)  # two of three, as chroma is halved
    bits = samples * int(dataset.get("BitsAllocated") or 8)
    claimed = math.ceil(frames * rows * columns * bits / 8)
    syntax = dataset.file_meta.TransferSyntaxUID
    check_claim(path, claimed, packed=syntax.is_encapsulated or syntax.is_deflated)
    if not complete:
        return
    if syntax.is_encapsulated:
        with reading(path, f"pixels in {syntax.name}", hint=_HINT):
            check_frame_count(dataset, frames)
        return
    held = sum(len(dataset[keyword].value or b"") for keyword in PIXEL_KEYS if keyword in dataset)
    spare = max(2, math.ceil(min(rows, columns) * bits / 8))
    if not 0 <= held - claimed < spare:
        raise InputError(
            f"{path}: the header does not describe the pixels",
            received=f"{held:,} bytes of pixels, {claimed:,} by the header: {frames} frames of {columns} x "
            f"{rows} pixels of {bits} bits",
            hint="the file is damaged or cut off, or its header was changed; download or export it again",
        )


def check_picture_object(path: Path, dataset: Dataset) -> None:
    """Refuse what has pixels, but is no picture: segmentations, and the tiles of a slide.

    Raises
    ------
    InputError
        Naming the file and what it is.
    """
    said = dataset.get("SOPClassUID")
    name = UID(str(said)).name if said else ""
    known = bool(name) and name != str(said)
    shown = "Image" in name or any(word in name for word in _PICTURES)
    if (known and not shown) or f"{said}.".startswith(f"{_NO_PICTURES}."):
        hint = "a segmentation is a mask; take others out of the folder"
        raise InputError(f"{path}: a DICOM object that is no image", received=name, hint=hint)
    if str(said) == _SLIDE and frame_count(dataset) > 1:
        hint = "export the slide, or a region of it, as one picture"
        raise InputError(f"{path}: tiles of a slide, not one picture", received=name, hint=hint)

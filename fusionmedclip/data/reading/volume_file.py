"""The file of a volume: what it is, whether it is whole, and whether its header fits its bytes."""

import gzip
import logging
import math
from pathlib import Path
from typing import cast

import nibabel
from nibabel.analyze import AnalyzeImage
from nibabel.arrayproxy import ArrayProxy
from nibabel.spatialimages import SpatialImage

from fusionmedclip.data.files.unread_formats import READ_FORMATS, what_it_is
from fusionmedclip.data.reading.claims import check_claim
from fusionmedclip.errors import InputError

__all__ = ["HINT", "check_whole", "open_volume"]

HINT = "open the file in a viewer; export it again, or take it out of the folder"

_PACKED = (".gz", ".bz2", ".zst", ".mgz")
_GZIP = b"\x1f\x8b"
_HDF5 = b"\x89HDF"
_HEADER = 540  # bytes of a NIfTI-2 header, the longest
_SLACK = 512  # bytes: a block of tape, to which some programs fill files up
_CHUNK = 1 << 20


def open_volume(path: Path) -> SpatialImage:
    """Read the header of a volume with nibabel.

    Raises
    ------
    InputError
        When the file is missing, empty, no volume, packed otherwise than its name says, or its header claims
        more than the file can hold, or pixels that begin inside the header.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: empty file (0 bytes)", hint=HINT)
    _check_packing(path)
    logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)  # it talks of headers and names no file
    try:
        image = nibabel.load(path)
    except nibabel.filebasedimages.ImageFileError as error:
        what = f"{path}: cannot be read as volume (no header of a format that is read)"
        raise InputError(what, allowed=READ_FORMATS, hint=HINT) from error
    if not isinstance(image, SpatialImage):
        raise InputError(f"{path}: not a volume", received=type(image).__name__, hint=HINT)
    shape = image.shape
    if len(shape) < 2 or min(shape) < 1:
        received = f"{' x '.join(map(str, shape))} voxels"
        raise InputError(f"{path}: neither a picture nor a volume", received=received, hint=HINT)
    if math.prod(shape[4:]) > 1:  # NIfTI-1: the fifth axis and those behind it are several values of a voxel
        received = f"{' x '.join(map(str, shape))} numbers"
        hint = "save one of them as a volume of its own, colours as RGB voxels"
        raise InputError(f"{path}: holds several numbers a voxel", received=received, hint=hint)
    file = _file_of(image)
    check_claim(file, _claimed(image), packed=file.suffix.lower() in _PACKED)
    _check_offset(path, image)
    return image


def check_whole(path: Path, image: SpatialImage) -> None:
    """Refuse a volume whose data are more or fewer bytes than its header says, or damaged inside gzip.

    The stream is unpacked to its end, where gzip keeps its checksum: nibabel stops behind the last voxel that
    it was asked for.

    Raises
    ------
    InputError
        With both sizes, or with what gzip says.
    """
    file = _file_of(image)
    fixed = isinstance(image, AnalyzeImage)  # NIfTI and its forebears: what follows the pixels is a mistake
    expected = _offset(image) + _claimed(image) if fixed else math.inf
    allowed = expected + min(_SLACK, _claimed(image) - 1)
    held = _length(file, most=allowed)
    if fixed and not expected <= held <= allowed:
        more = "more" if held > expected else "fewer"
        raise InputError(
            f"{path}: holds {more} bytes than its header says",
            received=f"{'over ' if held > allowed else ''}{min(held, allowed):,} bytes",
            allowed=f"{expected:,}: {' x '.join(map(str, image.shape))} of {image.get_data_dtype()}",
            hint="sizes or type of numbers in the header are wrong, or the file is damaged; export it again",
        )


def _length(file: Path, *, most: float) -> float:
    """Bytes of a file, unpacked where it is gzip; counting ends where they are too many."""
    with file.open("rb") as handle:
        packed = handle.read(2) == _GZIP
    if not packed:
        return file.stat().st_size
    count = 0
    with gzip.open(file) as stream:
        while chunk := stream.read(_CHUNK):
            count += len(chunk)
            if count > most:
                break
    return count


def _file_of(image: SpatialImage) -> Path:
    return Path(cast(str, image.file_map["image"].filename))


def _offset(image: SpatialImage) -> int:
    return cast(ArrayProxy, image.dataobj).offset


def _claimed(image: SpatialImage) -> int:
    return math.prod(image.shape) * image.get_data_dtype().itemsize


def _check_packing(path: Path) -> None:
    """Name what is wrong where nibabel would say that it cannot work out the type of the file."""
    with path.open("rb") as handle:
        start = handle.read(4)
    named = path.name.lower().endswith((".gz", ".mgz"))
    if start == _HDF5:
        hint = "convert it to NIfTI (mnc2nii), or to MINC 1 (mincconvert)"
        raise InputError(f"{path}: MINC 2 (HDF5) is not read", allowed=READ_FORMATS, hint=hint)
    if start[:2] == _GZIP and not named:
        hint = f"rename it to {path.name}.gz"
        raise InputError(f"{path}: is packed with gzip, which its name does not say", hint=hint)
    if named and start[:2] != _GZIP:
        form = what_it_is(path) or "not packed with gzip, though its name says so"
        hint = f"{HINT}; an unpacked volume is renamed to end in .nii"
        raise InputError(f"{path}: cannot be read as volume ({form})", hint=hint)
    if named:
        with gzip.open(path) as stream:
            stream.read(_HEADER)
    elif form := what_it_is(path):
        raise InputError(f"{path}: cannot be read as volume ({form})", allowed=READ_FORMATS, hint=HINT)


def _check_offset(path: Path, image: SpatialImage) -> None:
    if not isinstance(image, nibabel.Nifti1Image):  # of header and pixels in one file; NIfTI-2 is one too
        return
    least = image.header.single_vox_offset
    if _offset(image) < least:
        raise InputError(
            f"{path}: the header says that its pixels begin inside it (`vox_offset`)",
            received=_offset(image),
            allowed=f"{least} and more",
            hint="export it again with another program",
        )

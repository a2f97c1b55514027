"""What kind of image file a path is, by its bytes first and its name second."""

import os
import re
from pathlib import Path

from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded

__all__ = [
    "IMAGE_SUFFIXES",
    "is_dicom",
    "is_dicom_file",
    "is_header",
    "is_image_file",
    "kind_of",
    "split_slice",
    "stem_of",
    "with_slice",
]

RASTER_SUFFIXES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".webp",
    ".jp2", ".j2k", ".jpf", ".jpx", ".pbm", ".pgm", ".ppm", ".pnm",
)  # fmt: skip
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
NIBABEL_SUFFIXES = (
    ".nii", ".nii.gz", ".img", ".hdr", ".mgh", ".mgz", ".mnc", ".par", ".rec", ".head", ".brik", ".brik.gz",
)  # fmt: skip
IMAGE_SUFFIXES = RASTER_SUFFIXES + DICOM_SUFFIXES + NIBABEL_SUFFIXES

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*",
               b"\0\0\0\x0cjP  \r\n\x87\n")  # fmt: skip
_DATA_OF = {".hdr": (".img",), ".par": (".rec",), ".head": (".brik", ".brik.gz", ".BRIK.gz")}
_SLICE = re.compile(r"(.+)#slice=(\d+)", re.DOTALL)


@guarded("file")
def _start(path: Path) -> bytes:
    with path.open("rb", buffering=0) as handle:
        return handle.read(132)


def is_dicom(path: Path) -> bool:
    """Whether the bytes say DICOM (``DICM`` after a preamble of 128 bytes); ``DICOMDIR`` is only an index."""
    return path.name.upper() != "DICOMDIR" and _start(path)[128:] == b"DICM"


def is_dicom_file(path: Path) -> bool:
    """Whether a file is DICOM by its bytes, or by its suffix where it has no preamble (from before 1993)."""
    return is_dicom(path) or path.name.lower().endswith(DICOM_SUFFIXES)


def is_header(path: Path) -> bool:
    """Whether a file is the header of data that lie beside it."""
    data = _DATA_OF.get(path.suffix.lower(), ())
    return any(path.with_suffix(suffix).exists() for suffix in (*data, *map(str.upper, data)))


def is_image_file(path: Path) -> bool:
    """Whether a file is meant to be an image: by its suffix, or because its bytes say so.

    Where a header and its data are two files (``.hdr`` and ``.img``), the data count as the image.
    """
    name = path.name.lower()
    if is_header(path):
        return False
    if name.endswith(IMAGE_SUFFIXES):
        return True
    return is_dicom(path) or _is_picture(_start(path))


def _is_picture(start: bytes) -> bool:
    return start.startswith(_SIGNATURES) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")


def kind_of(path: Path) -> str:
    """One of ``series`` (a folder), ``dicom``, ``volume`` (NIfTI and relatives), ``raster``.

    Raises
    ------
    InputError
        When there is nothing at this path, or an empty file.
    """
    if path.is_dir():
        return "series"
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size == 0:
        hint = "download or export it again, or take it out of the folder"
        raise InputError(f"{path}: empty file (0 bytes)", hint=hint)
    name = path.name.lower()
    start = _start(path)
    if start[128:] == b"DICM" and name != "dicomdir":
        return "dicom"  # first: its preamble may be that of a TIFF
    if _is_picture(start):
        return "raster"
    if name.endswith(DICOM_SUFFIXES):
        return "dicom"
    return "volume" if name.endswith(NIBABEL_SUFFIXES) else "raster"


def stem_of(path: Path) -> str:
    """Name without the suffix of an image, ``.nii.gz`` counting as one; other dots belong to the name."""
    name = path.name.lower()
    endings = [suffix for suffix in IMAGE_SUFFIXES if name.endswith(suffix)]
    return path.name[: -max(map(len, endings))] if endings else path.name


def split_slice(path: str | os.PathLike) -> tuple[Path, int | None]:
    """``"scan.nii.gz#slice=0012"`` to its path and slice; None where no slice is named."""
    if not isinstance(path, str | os.PathLike):
        raise InputError("not a path", received=path, allowed="a path, as text or pathlib.Path")
    match = _SLICE.fullmatch(os.fspath(path))
    return (Path(match[1]), int(match[2])) if match else (Path(path), None)


def with_slice(file: str, index: int) -> str:
    """Name one slice of a volume; padded, so that names sort as slices do."""
    return f"{file}#slice={index:04d}"

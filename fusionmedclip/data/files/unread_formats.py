"""Formats of images that are not read here, so that they can be named instead of passed over."""

from pathlib import Path

__all__ = ["READ_FORMATS", "unread_format"]

READ_FORMATS = (
    "PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000, PNM, DICOM, NIfTI, Analyze, MGH, MINC 1, AFNI, PAR/REC"
)

_SUFFIXES = {
    ".mha": "MetaImage", ".mhd": "MetaImage", ".nrrd": "NRRD", ".nhdr": "NRRD", ".npy": "NumPy array",
    ".npz": "NumPy archive", ".nii.bz2": "NIfTI in bzip2", ".nii.zst": "NIfTI in zstd",
    ".nii.xz": "NIfTI in xz", ".dcm.gz": "DICOM in gzip", ".heic": "HEIC", ".heif": "HEIC", ".avif": "AVIF",
    ".jxl": "JPEG XL", ".psd": "Photoshop", ".svg": "SVG", ".eps": "EPS", ".tga": "Targa", ".pcx": "PCX",
    ".ico": "icon", ".exr": "OpenEXR", ".dng": "camera raw", ".cr2": "camera raw", ".nef": "camera raw",
    ".arw": "camera raw", ".svs": "whole slide", ".ndpi": "whole slide", ".mrxs": "whole slide",
    ".scn": "whole slide", ".czi": "Zeiss CZI", ".lif": "Leica LIF", ".nd2": "Nikon ND2",
    ".gipl": "GIPL", ".mif": "MRtrix image", ".vtk": "VTK", ".vti": "VTK",
}  # fmt: skip
_SIGNATURES = {
    b"ObjectType": "MetaImage", b"NRRD000": "NRRD", b"\x93NUMPY": "NumPy array", b"8BPS": "Photoshop",
    b"%!PS": "EPS", b"\xff\x0a": "JPEG XL", b"<svg": "SVG",
}  # fmt: skip
_NO_IMAGES = {b"%PDF": "PDF", b"\x89HDF": "HDF5", b"PK\x03\x04": "ZIP archive", b"\x1f\x8b": "gzip",
              b"<!DOCTYPE": "a web page", b"<html": "a web page",
              b"version https://git-lfs": "a Git LFS pointer, not the file itself"}  # fmt: skip
_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC", b"avif": "AVIF"}  # ISO/IEC 14496-12, box ftyp


def unread_format(path: Path) -> str:
    """Name of the format of an image that is not read, by its suffix or its bytes; empty for all others."""
    name = path.name.lower()
    by_suffix = next((form for suffix, form in _SUFFIXES.items() if name.endswith(suffix)), "")
    return by_suffix or _by_bytes(path, _SIGNATURES)


def what_it_is(path: Path) -> str:
    """The same for a file that was meant to be an image, documents and archives included."""
    return _by_bytes(path, _SIGNATURES | _NO_IMAGES) or unread_format(path)


def _by_bytes(path: Path, signatures: dict[bytes, str]) -> str:
    with path.open("rb") as handle:
        start = handle.read(32)
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12], "")
    return next((name for signature, name in signatures.items() if start.startswith(signature)), "")

"""One reader for every kind of image file."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fusionmedclip.data.raster import read_raster, read_raster_mask
from fusionmedclip.data.settings import ReadSettings
from fusionmedclip.errors import InputError

__all__ = ["RASTER_SUFFIXES", "is_image_file", "read_image", "read_mask"]

RASTER_SUFFIXES = frozenset(
    [
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".tif",
        ".tiff",
        ".bmp",
        ".gif",
        ".webp",
        ".jp2",
        ".pgm",
        ".ppm",
    ]
)


def is_image_file(path: str | os.PathLike) -> bool:
    """Whether a file's name says that it is meant to be an image."""
    return Path(path).suffix.lower() in RASTER_SUFFIXES


def read_image(path: str | os.PathLike, *, settings: ReadSettings | None = None) -> np.ndarray:
    """Read a picture as grey values.

    The format is recognised by the file's bytes. Colour, palette and alpha are forced into one grey mode
    (ITU-R BT.601 luma, alpha dropped), so that support and test images are always read alike.

    Parameters
    ----------
    path : path
        PNG, JPEG, TIFF (8 to 16 bit, or floating point) and whatever else Pillow decodes.
    settings : ReadSettings, optional
        Value range, percentiles, slice.

    Returns
    -------
    (H, W) float32 array
        In [0, 1].

    Raises
    ------
    InputError
        Naming the file when it is missing, empty, truncated, or no image.
    """
    return read_raster(Path(path), settings or ReadSettings())


def read_mask(paths: str | os.PathLike | Iterable[str | os.PathLike]) -> np.ndarray:
    """Union of one or more mask files (BUSI has up to three for an image).

    Returns
    -------
    (H, W) bool array
        True on the lesion: ``convert("L") > 127``, which reads BUSI's 1-bit, RGB and RGBA masks alike.

    Raises
    ------
    InputError
        When no file is given, one cannot be read, or sizes differ.
    """
    files = [Path(paths)] if isinstance(paths, (str, os.PathLike)) else [Path(path) for path in paths]
    if not files:
        raise InputError("no mask file given", hint="an image without masks has an empty `mask` entry")
    masks = [read_raster_mask(file) for file in files]
    for file, mask in zip(files, masks, strict=True):
        if mask.shape != masks[0].shape:
            raise InputError(
                f"{file}: masks of one image differ in size",
                received=f"{_size(mask)}, but {files[0].name} is {_size(masks[0])}",
                hint="all masks of an image must have the image's size",
            )
    return np.logical_or.reduce(masks)


def _size(array: np.ndarray) -> str:
    return f"{array.shape[1]} x {array.shape[0]}"

"""One reader for every kind of image file."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from fusionmedclip.data.files.kinds import kind_of, split_slice
from fusionmedclip.data.reading.masks import read_mask, size_text
from fusionmedclip.data.reading.pairing import paired_masks
from fusionmedclip.data.reading.picture_check import checked_picture
from fusionmedclip.data.reading.raster.image import orientation_of, read_raster
from fusionmedclip.data.reading.resize import square_pixels
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.data.reading.turning import turn
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded

__all__ = ["read_colour", "read_image", "read_with_mask"]

PathLike = str | os.PathLike


@guarded("image")
def read_image(path: PathLike, *, settings: ReadSettings | None = None) -> np.ndarray:
    """Read a picture, or one slice of a volume, as grey values.

    The format is recognised by the file's bytes. Colour, palette and alpha are forced into one grey mode
    (``settings.channel``; alpha is dropped), so that support and test images are always read alike.

    Parameters
    ----------
    path : path
        PNG, JPEG, TIFF (8 to 16 bit, or floating point), DICOM, NIfTI, or a folder with one DICOM series.
        Of several pictures in a file the middle one is read; previews do not count.
        ``"scan.nii.gz#slice=12"`` names one slice of a volume; without it the middle one is read.
    settings : ReadSettings, optional
        Value range, percentiles, axis, slice.

    Returns
    -------
    (H, W) float32 array
        In [0, 1].

    Raises
    ------
    InputError
        Naming the file when it is missing, empty, truncated, or no image, or its values are not finite.
    """
    file, index = split_slice(path)
    settings = settings or ReadSettings()
    if index is not None:
        settings = replace(settings, slice=index)
    return checked_picture(_read(file, settings), file)


def read_colour(path: PathLike, *, settings: ReadSettings | None = None) -> np.ndarray:
    """Read a picture as red, green and blue, each as :func:`read_image` does; grey files have three alike.

    Returns
    -------
    (H, W, 3) float32 array
        In [0, 1].
    """
    settings = settings or ReadSettings()
    channels = (replace(settings, channel=channel) for channel in ("red", "green", "blue"))
    return np.stack([read_image(path, settings=channel) for channel in channels], axis=-1)


def _read(file: Path, settings: ReadSettings) -> np.ndarray:
    kind = kind_of(file)
    if kind == "raster":
        return read_raster(file, settings)
    # here, because pydicom and nibabel take longer to import than most jobs take to run
    from fusionmedclip.data.reading.dicom.image import read_dicom, scaled_as_volume
    from fusionmedclip.data.reading.volumes import pick_slice

    if kind == "dicom" and not scaled_as_volume(file, settings):
        return read_dicom(file, settings)
    grey, spacing = pick_slice(file, settings)
    return square_pixels(grey, *spacing) if settings.square_pixels else np.array(grey)


def read_with_mask(
    path: PathLike,
    masks: Sequence[PathLike],
    *,
    settings: ReadSettings | None = None,
    colour: bool = False,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read an image and its masks, checked against each other.

    Where :func:`read_image` stretched the picture to square pixels, its masks are stretched likewise; where
    it turned the picture and the masks fit the picture as it is stored only, they are turned likewise.

    Returns
    -------
    image : (H, W) float32 array, or with ``colour`` (H, W, 3)
        In [0, 1].
    mask : (H, W) bool array or None
        None where there is no mask.

    Raises
    ------
    InputError
        When a file cannot be read, or a mask has another size, number of slices or place than its image.
    """
    settings = settings or ReadSettings()
    image = (read_colour if colour else read_image)(path, settings=settings)
    size = image.shape[:2]
    if not masks:
        return image, None
    masks = paired_masks(path, masks, settings)
    mask = read_mask(masks, settings=settings)
    if mask.shape == size:
        return image, mask
    if (turned := _turned_as(path, masks, mask, settings)).shape == size:
        return image, turned
    stored = read_image(path, settings=replace(settings, square_pixels=False))
    if mask.shape != stored.shape:
        raise InputError(
            f"{masks[0]}: mask and image differ in size",
            received=f"mask {size_text(mask)}, image {size_text(stored)} ({Path(path).name})",
            hint="a mask has the size of its image; export it again or leave it out",
        )
    stretched = Image.fromarray(mask.astype(np.uint8)).resize(size[::-1], Image.Resampling.NEAREST)
    return image, np.asarray(stretched) > 0


def _turned_as(
    path: PathLike, masks: Sequence[PathLike], mask: np.ndarray, settings: ReadSettings
) -> np.ndarray:
    """Turn a mask as its picture is turned, where it was drawn on the pixels as they are stored."""
    kinds = {kind_of(split_slice(file)[0]) for file in (path, *masks)}
    if kinds != {"raster"} or not settings.exif:
        return mask
    if any(orientation_of(split_slice(file)[0]) != 1 for file in masks):
        return mask
    return turn(mask, orientation_of(split_slice(path)[0]))

"""One reader for every kind of image file."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from fusionmedclip.data.kinds import kind_of, split_slice
from fusionmedclip.data.raster import read_raster, read_raster_mask
from fusionmedclip.data.resize import square_pixels
from fusionmedclip.data.settings import ReadSettings
from fusionmedclip.errors import InputError

__all__ = ["read_image", "read_mask", "read_with_mask"]

PathLike = str | os.PathLike


def read_image(path: PathLike, *, settings: ReadSettings | None = None) -> np.ndarray:
    """Read a picture, or one slice of a volume, as grey values.

    The format is recognised by the file's bytes. Colour, palette and alpha are forced into one grey mode
    (ITU-R BT.601 luma, alpha dropped), so that support and test images are always read alike.

    Parameters
    ----------
    path : path
        PNG, JPEG, TIFF (8 to 16 bit, or floating point), DICOM, NIfTI, or a folder with one DICOM series.
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
        Naming the file when it is missing, empty, truncated, or no image.
    """
    file, index = split_slice(path)
    settings = settings or ReadSettings()
    if index is not None:
        settings = replace(settings, slice=index)
    kind = kind_of(file)
    if kind == "raster":
        return read_raster(file, settings)
    # here, because pydicom and nibabel take longer to import than most jobs take to run
    from fusionmedclip.data.dicom import read_dicom, scaled_as_volume
    from fusionmedclip.data.volumes import pick_slice

    if kind == "dicom" and not scaled_as_volume(file, settings):
        return read_dicom(file, settings)
    grey, spacing = pick_slice(file, settings)
    return square_pixels(grey, *spacing) if settings.square_pixels else np.array(grey)


def read_mask(paths: PathLike | Iterable[PathLike], *, settings: ReadSettings | None = None) -> np.ndarray:
    """Union of one or more mask files (BUSI has up to three for an image).

    Pictures count as lesion where ``convert("L") > 127``, which reads BUSI's 1-bit, RGB and RGBA masks alike;
    DICOM and NIfTI wherever the label is above 0.

    Returns
    -------
    (H, W) bool array

    Raises
    ------
    InputError
        When no file is given, one cannot be read, or sizes differ.
    """
    files = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if not files:
        raise InputError("no mask file given", hint="an image without masks has an empty `mask` entry")
    masks = [_one_mask(file, settings or ReadSettings()) for file in files]
    for file, mask in zip(files, masks, strict=True):
        if mask.shape != masks[0].shape:
            raise InputError(
                f"{file}: masks of one image differ in size",
                received=f"{_size(mask)}, but {Path(files[0]).name} is {_size(masks[0])}",
                hint="all masks of an image must have the image's size",
            )
    return np.logical_or.reduce(masks)


def read_with_mask(
    path: PathLike, masks: Sequence[PathLike], *, settings: ReadSettings | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read an image and its masks, checked against each other.

    Where :func:`read_image` stretched the picture to square pixels, its masks are stretched likewise.

    Returns
    -------
    image : (H, W) float32 array
        In [0, 1].
    mask : (H, W) bool array or None
        None where there is no mask.

    Raises
    ------
    InputError
        When a file cannot be read, or a mask has another size than its image.
    """
    settings = settings or ReadSettings()
    image = read_image(path, settings=settings)
    if not masks:
        return image, None
    for mask in masks:
        _same_kind(path, mask)
    mask = read_mask(masks, settings=settings)
    if mask.shape == image.shape:
        return image, mask
    stored = read_image(path, settings=replace(settings, square_pixels=False))
    if mask.shape != stored.shape:
        raise InputError(
            f"{masks[0]}: mask and image differ in size",
            received=f"mask {_size(mask)}, image {_size(stored)} ({Path(path).name})",
            hint="a mask has the size of its image; export it again or leave it out",
        )
    stretched = Image.fromarray(mask.astype(np.uint8)).resize(image.shape[::-1], Image.Resampling.NEAREST)
    return image, np.asarray(stretched) > 0


def _same_kind(image: PathLike, mask: PathLike) -> None:
    """A DICOM series and a NIfTI volume order rows, columns and slices differently."""
    kinds = [kind_of(split_slice(path)[0]) for path in (image, mask)]
    if kinds[0] != kinds[1] and not set(kinds) <= {"raster", "dicom"}:
        raise InputError(
            f"{mask}: the mask of a volume must be stored as the volume is",
            received=f"image: {kinds[0]}, mask: {kinds[1]}",
            hint="convert one of them; slices would be matched wrongly otherwise",
        )


def _one_mask(path: PathLike, settings: ReadSettings) -> np.ndarray:
    file, index = split_slice(path)
    kind = kind_of(file)
    if kind == "raster":
        return read_raster_mask(file, frame=index)
    from fusionmedclip.data.dicom import read_dicom_mask
    from fusionmedclip.data.volumes import volume_mask_slice

    if kind == "dicom":
        return read_dicom_mask(file, frame=index)
    return volume_mask_slice(file, settings if index is None else replace(settings, slice=index))


def _size(array: np.ndarray) -> str:
    return f"{array.shape[1]} x {array.shape[0]}"

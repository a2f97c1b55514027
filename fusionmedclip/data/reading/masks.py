"""Masks: which pixels of a file are lesion."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from fusionmedclip.data.files.kinds import kind_of, split_slice
from fusionmedclip.data.reading.raster.image import open_page
from fusionmedclip.data.reading.raster.values import Page, stored_colours, stored_values
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded

__all__ = ["mask_values", "read_mask", "size_text"]

PathLike = str | os.PathLike


def read_mask(paths: PathLike | Iterable[PathLike], *, settings: ReadSettings | None = None) -> np.ndarray:
    """Union of one or more mask files (BUSI has up to three for an image).

    Pictures count as lesion above half of full scale (``convert("L") > 127``, which reads BUSI's 1-bit, RGB
    and RGBA masks alike), see :func:`mask_values`; DICOM wherever the label is above 0, NIfTI above 0.5.
    ``settings.mask`` says otherwise.

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
                received=f"{size_text(mask)}, but {Path(files[0]).name} is {size_text(masks[0])}",
                hint="all masks of an image must have the image's size",
            )
    return np.logical_or.reduce(masks)


def size_text(array: np.ndarray) -> str:
    """Width x height."""
    return f"{array.shape[1]} x {array.shape[0]}"


@guarded("mask")
def _one_mask(path: PathLike, settings: ReadSettings) -> np.ndarray:
    file, index = split_slice(path)
    kind = kind_of(file)
    if kind == "raster":
        mask = _raster_mask(file, index, settings)
    else:  # here, because pydicom and nibabel take longer to import than most jobs take to run
        from fusionmedclip.data.reading.dicom.masks import read_dicom_mask
        from fusionmedclip.data.reading.volumes import volume_mask_slice

        if kind == "dicom":
            mask = read_dicom_mask(file, frame=index)
        else:
            mask = volume_mask_slice(file, settings if index is None else replace(settings, slice=index))
    return ~mask if settings.mask == "dark" else mask


def mask_values(page: Page) -> tuple[np.ndarray, float]:
    """Values of a mask's page, and the full scale of which more than half is lesion.

    Where the type of numbers has none (32 bits, floating point) it is the least of 1 (floating point only),
    255 and 65535 that no value exceeds: probabilities count above 0.5, and a label 1 of 32 bits is as dark as
    one of 8.

    Raises
    ------
    InputError
        When such values are negative, larger, or not finite.
    """
    values, full, inverted = stored_values(page)
    if full is not None:
        return values, full
    low, high = float(values.min()), float(values.max())
    scales = (255.0, 65535.0) if page.image.mode == "I" else (1.0, 255.0, 65535.0)
    full = next((scale for scale in scales if low >= 0 and high <= scale), None)
    if full is None:
        raise InputError(
            f"{page.path}: values that no mask has",
            received=f"{low:g} to {high:g}",
            allowed="0 to 1 (floating point), 0 to 255 or 0 to 65535, above half of which is lesion",
            hint="write 0 and 255; or `read: {mask: nonzero}` of the data set counts every value but 0",
        )
    return (full - values if inverted else values), full


def _raster_mask(path: Path, frame: int | None, settings: ReadSettings) -> np.ndarray:
    page = open_page(path, frame=frame)
    if settings.mask == "nonzero":
        colours = stored_colours(page)
        if not np.isfinite(colours).all():
            raise InputError(f"{path}: holds NaN or infinite values", hint="write 0 and 255")
        mask = np.asarray(colours.any(axis=-1)) if colours.ndim == 3 else colours != 0
    else:
        values, full = mask_values(page)
        mask = values > full / 2
    return page.shown(mask, exif=settings.exif)

"""Masks: which pixels of a file are lesion."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from fusionmedclip.data.files.kinds import kind_of, split_slice
from fusionmedclip.data.reading.raster.image import open_page
from fusionmedclip.data.reading.raster.values import stored_colours, stored_values
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded

__all__ = ["read_mask", "size_text"]

PathLike = str | os.PathLike


def read_mask(paths: PathLike | Iterable[PathLike], *, settings: ReadSettings | None = None) -> np.ndarray:
    """Union of one or more mask files (BUSI has up to three for an image).

    Pictures count as lesion where ``convert("L") > 127``, which reads BUSI's 1-bit, RGB and RGBA masks alike,
    those of 16 bits above half of full scale; DICOM and NIfTI wherever the label is above 0.
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


def _raster_mask(path: Path, frame: int | None, settings: ReadSettings) -> np.ndarray:
    page = open_page(path, frame=frame)
    if settings.mask == "nonzero":
        colours = stored_colours(page)
        mask = colours.any(axis=-1) if colours.ndim == 3 else colours != 0
    else:
        values, full, _ = stored_values(page)
        mask = values > (full // 2 if full else 0)
    return page.shown(mask, exif=settings.exif)

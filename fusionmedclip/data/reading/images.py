"""The single entrance for a user's images."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fusionmedclip.data.files.images import image_files
from fusionmedclip.data.reading.raster.alpha import check_seen, hidden_share
from fusionmedclip.data.reading.raster.values import to_channel
from fusionmedclip.data.reading.read import read_colour, read_image
from fusionmedclip.data.reading.resize import resize_image
from fusionmedclip.data.reading.settings import ImageSettings, ReadSettings
from fusionmedclip.errors import InputError
from fusionmedclip.luma import channel_weights

__all__ = ["load_images"]

_FULL_SCALE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(bool): 1}
_LUMA = channel_weights().astype(np.float32)
_ALLOWED = (
    "a list of paths, a folder, or an array (N, H, W) or (N, H, W, 3) of uint8, uint16 or floats in [0, 1]"
)


def load_images(
    images: str | os.PathLike | Sequence | np.ndarray,
    size: int,
    *,
    settings: ReadSettings | None = None,
    form: ImageSettings | None = None,
) -> np.ndarray:
    """Bring paths or arrays to one working form.

    Parameters
    ----------
    images : path, sequence of paths or of arrays, or array
        A file, a folder (see :func:`~fusionmedclip.data.files.images.image_files`), several of these, or an
        array (N, H, W) or (N, H, W, 3 or 4) of uint8, uint16, bool or floats in [0, 1].
    size : int
        Side of the result in pixels.
    settings : ReadSettings, optional
        How files are read.
    form : ImageSettings, optional
        Grey or colour, and how images are resized.

    Returns
    -------
    (N, size, size) float32 array, or in colour (N, size, size, 3)
        In [0, 1].

    Raises
    ------
    InputError
        When nothing is given, a file cannot be read, or an array has another shape, type or value range.
    """
    if isinstance(images, (str, os.PathLike)):
        images = image_files([Path(images)])
    elif isinstance(images, (list, tuple)):
        images = [one for item in images for one in _with_folders(item)]
    else:
        images = _rows(_array(images))
    if len(images) == 0:
        raise InputError("no images given", allowed=_ALLOWED)
    form = form or ImageSettings()
    result = np.empty((len(images), size, size, *([3] if form.colour else [])), np.float32)
    for index, item in enumerate(images):
        if isinstance(item, (str, os.PathLike)):
            picture = (read_colour if form.colour else read_image)(item, settings=settings)
        else:
            picture = _picture(_array(item), f"images[{index}]", colour=form.colour)
        result[index] = resize_image(picture, size, form=form)
    return result


def _with_folders(item: Any) -> Sequence:
    """A folder stands for its images, alone as in a list; all else for itself."""
    return (
        image_files([Path(item)]) if isinstance(item, (str, os.PathLike)) and Path(item).is_dir() else [item]
    )


def _array(images: Any) -> np.ndarray:
    """As an array, whose mask, if it had one, would count for nothing."""
    if isinstance(images, np.ma.MaskedArray) and np.ma.is_masked(images):
        raise InputError(
            "a masked array: its mask would count for nothing", hint="array.filled(0), or its .data"
        )
    return np.asarray(images)


def _rows(array: np.ndarray) -> np.ndarray:
    """Check that an array is a batch, not a single picture."""
    single_colour = array.ndim == 3 and array.shape[-1] in (3, 4)
    if array.ndim not in (3, 4) or single_colour or (array.ndim == 4 and array.shape[-1] not in (3, 4)):
        hint = "for one picture pass image[None]; colours come last, (N, H, W, 3)"
        raise InputError("not a batch of images", received=array.shape, allowed=_ALLOWED, hint=hint)
    return array


def _picture(array: np.ndarray, name: str, *, colour: bool) -> np.ndarray:
    """(H, W) or (H, W, 3 or 4) of any allowed type to (H, W), or (H, W, 3), float32 in [0, 1]."""
    if array.ndim not in (2, 3) or array.size == 0 or (array.ndim == 3 and array.shape[-1] not in (3, 4)):
        raise InputError(f"{name}: not a picture", received=array.shape, allowed="(H, W) or (H, W, 3)")
    check_seen(hidden_share(array), name)
    if array.dtype == np.uint8 and array.ndim == 3 and not colour:  # rounds as a file of these pixels would
        array = np.asarray(to_channel(Image.fromarray(np.ascontiguousarray(array))))
    scale = _FULL_SCALE.get(array.dtype)
    if scale is None and array.dtype.kind != "f":
        raise InputError(f"{name}: unknown type of pixels", received=str(array.dtype), allowed=_ALLOWED)
    if array.dtype == np.uint16 and 1 < array.max() <= 255:
        hint = "divide by full scale and pass floats; or .astype('uint8')"
        raise InputError(f"{name}: uint16 that holds 8-bit values", received=int(array.max()), hint=hint)
    values = array.astype(np.float32) / np.float32(scale or 1)
    if not np.isfinite(values).all():
        raise InputError(f"{name}: holds NaN or infinite values", hint="replace them first")
    if values.min() < 0 or values.max() > 1:
        received = f"{values.min():g} to {values.max():g}"
        raise InputError(f"{name}: floats must lie in [0, 1]", received=received, hint="divide by full scale")
    if colour:
        return np.repeat(values[..., None], 3, axis=-1) if values.ndim == 2 else values[..., :3]
    return values if values.ndim == 2 else np.clip(values[..., :3] @ _LUMA, 0, 1)

"""PNG, JPEG, TIFF and the like, recognised by their bytes and never by their suffix."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fusionmedclip.data.scaling import scale_by_percentiles, scale_to_unit
from fusionmedclip.data.settings import ReadSettings
from fusionmedclip.errors import InputError

__all__ = ["DECODE_ERRORS", "frames_of", "open_raster", "read_raster", "read_raster_mask", "to_grey"]

DECODE_ERRORS = (OSError, SyntaxError, ValueError, TypeError, EOFError, LookupError, ArithmeticError,
                 MemoryError, AttributeError, struct.error, zlib.error,
                 Image.DecompressionBombError)  # fmt: skip
"""What Pillow raises for a broken file, by format and by how it is broken."""

_HINT = "open the file in a viewer; download or export it again, or take it out of the folder"
_TIFF_BITS, _TIFF_PHOTOMETRIC = 258, 262  # TIFF 6.0 tags


def open_raster(path: Path, *, frame: int | None = None) -> Image.Image:
    """Decode one frame with Pillow, upright (EXIF orientation applied).

    Raises
    ------
    InputError
        Naming the file when it is missing, empty, no image, truncated or broken.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: empty file (0 bytes)", hint=_HINT)
    try:
        image = Image.open(path)
        count = getattr(image, "n_frames", 1)
        if count > 1 or frame is not None:
            wanted = count // 2 if frame is None else frame
            if not 0 <= wanted < count:
                raise InputError(f"{path}: no frame {wanted}", allowed=f"0 to {count - 1}")
            image.seek(wanted)
        image.load()
    except InputError:
        raise
    except Image.UnidentifiedImageError as error:
        raise InputError(f"{path}: not an image this project can read", hint=_HINT) from error
    except DECODE_ERRORS as error:
        raise InputError(f"{path}: broken or truncated image ({error})", hint=_HINT) from error
    return _upright(image)


def frames_of(path: Path) -> int:
    """Number of frames of a TIFF stack or an animation, 1 for a picture."""
    try:
        with Image.open(path) as image:
            return int(getattr(image, "n_frames", 1))
    except DECODE_ERRORS as error:
        raise InputError(f"{path}: not an image this project can read", hint=_HINT) from error


def to_grey(image: Image.Image) -> Image.Image:
    """Force any 8-bit Pillow mode into ``"L"`` (ITU-R BT.601 luma; alpha is dropped, not composed)."""
    if image.mode == "L":
        return image
    if image.mode in ("1", "RGB", "RGBA", "LA"):
        return image.convert("L")
    return image.convert("RGB").convert("L")  # palette (with or without alpha), CMYK, YCbCr, LAB, HSV


def read_raster(path: Path, settings: ReadSettings) -> np.ndarray:
    """Read one frame as grey values.

    8-bit data are divided by 255, n-bit data by 2^n - 1; floating-point and 32-bit data, whose range no
    format states, are scaled by ``settings.percentiles`` unless they lie in [0, 1] already.

    Returns
    -------
    (H, W) float32 array
        In [0, 1].
    """
    image = open_raster(path, frame=settings.slice)
    if image.mode.startswith("I;16"):
        bits, inverted = _tiff_depth(image)
        grey = np.asarray(image).astype(np.float32)
        grey = grey if not inverted else (2**bits - 1) - grey
        return scale_to_unit(grey, settings.value_range or (0, 2**bits - 1))
    if image.mode in ("I", "F"):
        grey = np.asarray(image).astype(np.float64)
        if not np.isfinite(grey).all():
            raise InputError(f"{path}: holds NaN or infinite values", hint="replace them before the export")
        if settings.value_range is None and image.mode == "F" and grey.min() >= 0 and grey.max() <= 1:
            return grey.astype(np.float32)
        if settings.value_range is None:
            return scale_by_percentiles(grey, settings.percentiles)
        return scale_to_unit(grey, settings.value_range)
    stored = np.asarray(to_grey(image))
    if settings.value_range is None:
        return stored / np.float32(255)
    return scale_to_unit(stored.astype(np.float32), settings.value_range)


def read_raster_mask(path: Path, *, frame: int | None = None) -> np.ndarray:
    """Read a mask file: ``convert("L") > 127`` for 8-bit data, more than half of full scale for 16-bit.

    Returns
    -------
    (H, W) bool array
    """
    image = open_raster(path, frame=frame)
    if image.mode.startswith("I;16"):
        return np.asarray(image) > 32767
    if image.mode in ("I", "F"):
        return np.asarray(image) > 0
    return np.asarray(to_grey(image)) > 127


def _tiff_depth(image: Image.Image) -> tuple[int, bool]:
    """Significant bits, and whether zero is white (Pillow undoes that for 8 bits, not for 16)."""
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return 16, False
    bits = tags.get(_TIFF_BITS, (16,))
    return int(bits[0] if isinstance(bits, tuple) else bits), tags.get(_TIFF_PHOTOMETRIC, 1) == 0


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; broken metadata is no reason to refuse good pixels."""
    try:
        orientation = image.getexif().get(0x0112, 1)  # EXIF 2.3, tag Orientation
        return ImageOps.exif_transpose(image) if orientation != 1 else image
    except DECODE_ERRORS:
        return image

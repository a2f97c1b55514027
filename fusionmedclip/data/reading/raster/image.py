"""PNG, JPEG, TIFF and the like, recognised by their bytes and never by their suffix."""

import contextlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image, ImageFile

from fusionmedclip.data.files.unread_formats import READ_FORMATS, what_it_is
from fusionmedclip.data.reading.claims import MAX_PIXELS, BoundedFile, check_claim
from fusionmedclip.data.reading.jpeg_data import whole_jpeg
from fusionmedclip.data.reading.middle import middle_of
from fusionmedclip.data.reading.raster.alpha import check_seen, hidden_share, may_hide
from fusionmedclip.data.reading.raster.pages import picture_pages
from fusionmedclip.data.reading.raster.png_rows import check_rows, check_sums
from fusionmedclip.data.reading.raster.tiff_tags import check_strips, tiff_form
from fusionmedclip.data.reading.raster.values import Page, stored_values
from fusionmedclip.data.reading.scaling import scale_by_percentiles, scale_to_unit
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded

__all__ = [
    "RasterFacts",
    "frames_of",
    "open_page",
    "orientation_of",
    "raster_facts",
    "read_raster",
    "read_stack",
]

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "DIB", "GIF", "WEBP", "JPEG2000", "PPM")
"""What is read. Pillow knows more: some through other programs, and formats whose frames are layers."""

_HINT = "open the file in a viewer; download or export it again, or take it out of the folder"
_TIFFS = "of TIFF: 1 x 1 to 16 bits, 3 or 4 x 8 or 16 bits, 1 x 32 bits whole or floating point"
_TIFF_HINT = "save it as floating point of 32 bits, or as 16-bit PNG; without further channels"
_ORIENTATION = 0x0112  # of EXIF 2.3 and of TIFF 6.0


@guarded("image")
def open_page(path: Path, *, frame: int | None = None) -> Page:
    """Decode one picture of a file with Pillow.

    Parameters
    ----------
    path : Path
    frame : int, optional
        Number among the file's pictures (previews do not count); None takes the middle one, of two the
        first.

    Raises
    ------
    InputError
        Naming the file when it is missing, empty, no image, truncated or broken.
    """
    with _open(path) as image:
        pages = picture_pages(path, image)
        wanted = middle_of(len(pages)) if frame is None else frame
        if not 0 <= wanted < len(pages):
            raise InputError(f"{path}: no frame {wanted}", allowed=f"0 to {len(pages) - 1}")
        return _decode(path, image, pages[wanted])


def _decode(path: Path, image: Image.Image, number: int) -> Page:
    if number != image.tell():
        image.seek(number)
    tiles = cast(ImageFile.ImageFile, image).tile
    coding = tiles[0][3] if tiles else ()
    coding = coding if isinstance(coding, tuple) else (coding,)
    check_claim(path, math.ceil(image.width * image.height * len(image.getbands()) * _bytes(image, coding)))
    if image.format in ("JPEG", "MPO"):
        image = _whole(path, image)
    elif image.format == "TIFF":
        check_strips(path, image)
    elif image.format == "PNG":
        check_sums(path)
    early = _orientation(image) if image.format == "TIFF" else 1  # Pillow forgets it on loading
    image.load()
    if image.format == "PNG" and number == 0:
        check_rows(path, image)
    orientation = early if image.format == "TIFF" else _orientation(image)
    return Page(path, image, number, coding, orientation)


def _bytes(image: Image.Image, coding: tuple) -> float:
    """Of a sample in the file, by the name of Pillow's unpacking: ``1``, ``P;2``, ``L;4``, ``RGB;16B``."""
    raw = str(coding[0]) if coding else image.mode
    if ";16" in raw or image.mode.startswith("I;16"):
        return 2
    bits = raw.partition(";")[2] if image.mode in ("1", "L", "P") else ""
    return (1 if image.mode == "1" else int(bits) if bits in ("1", "2", "4") else 8) / 8


def _whole(path: Path, image: Image.Image) -> Image.Image:
    """The picture of a JPEG that is all there, if only for its end mark, which Pillow insists on."""
    data = path.read_bytes()
    whole = whole_jpeg(data)
    return image if whole is data else Image.open(io.BytesIO(whole), formats=("JPEG",))


def read_raster(path: Path, settings: ReadSettings) -> np.ndarray:
    """Read one picture as grey values.

    8-bit data are divided by 255, n-bit data by 2^n - 1; floating-point and 32-bit data, whose range no
    format states, are scaled by ``settings.percentiles`` unless they lie in [0, 1] already.

    Returns
    -------
    (H, W) float32 array
        In [0, 1].
    """
    page = open_page(path, frame=settings.slice)
    check_seen(hidden_share(page.image), path)
    return _grey(page, settings)


@guarded("image")
def read_stack(path: Path, settings: ReadSettings) -> np.ndarray:
    """Read all pictures of a file: (S, H, W) float32 in [0, 1], each scaled by itself."""
    with _open(path) as image:
        numbers = picture_pages(path, image)
        slices, hidden = [], []
        for number in numbers:
            page = _decode(path, image, number)
            hidden.append(hidden_share(page.image))
            slices.append(_grey(page, settings))
    check_seen(min(hidden), path)
    return np.stack(slices)


def _grey(page: Page, settings: ReadSettings) -> np.ndarray:
    values, full, inverted = stored_values(page, channel=settings.channel)
    if full is None and not np.isfinite(values).all():
        raise InputError(f"{page.path}: holds NaN or infinite values", hint="replace them before the export")
    if settings.value_range is not None:
        grey = scale_to_unit(values, settings.value_range)
    elif full is not None:
        grey = values / np.float32(255) if values.dtype == np.uint8 else scale_to_unit(values, (0, full))
    elif page.image.mode == "F" and values.min() >= 0 and values.max() <= 1:
        grey = values.astype(np.float32)
    else:
        grey = scale_by_percentiles(values, settings.percentiles)
    return page.shown(1 - grey if inverted else grey, exif=settings.exif)


@dataclass(frozen=True)
class RasterFacts:
    """What a file says of itself.

    Attributes
    ----------
    format, mode : str
        By Pillow's names; ``mode`` is how pixels are stored.
    pictures : int
        Frames of a stack or an animation, 1 for an ordinary picture.
    alpha : bool
        Whether some of its pixels may be transparent.
    """

    format: str
    mode: str
    pictures: int
    alpha: bool

    @property
    def animated(self) -> bool:
        """Several frames of a format whose frames follow in time; TIFF's are pages."""
        return self.pictures > 1 and self.format != "TIFF"


@guarded("image")
def raster_facts(path: Path) -> RasterFacts:
    """Read the header only; a broken one is an :class:`InputError`."""
    with _open(path) as image:
        pages = picture_pages(path, image)
        middle = pages[middle_of(len(pages))]
        if middle != image.tell():
            image.seek(middle)
        return RasterFacts(str(image.format), image.mode, len(pages), may_hide(image))


@guarded("image")
def orientation_of(path: Path) -> int:
    """Turning that shows a file's picture, see :func:`fusionmedclip.data.reading.turning.turn`; 1 is none."""
    with _open(path) as image:
        return _orientation(image)


def frames_of(path: Path) -> int:
    """Number of pictures of a TIFF stack or an animation, 1 for a picture."""
    return raster_facts(path).pictures


@contextlib.contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    """Through a file of ours: by name Pillow maps TIFFs into memory, turned ones with sides swapped."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: empty file (0 bytes)", hint=_HINT)
    with BoundedFile(path) as file:
        try:
            image = Image.open(file, formats=_FORMATS)
        except Image.DecompressionBombError as error:
            raise InputError(
                f"{path}: a larger picture than is read",
                received=str(error).partition(",")[0],
                allowed=f"{MAX_PIXELS:,} pixels",
                hint="make it smaller, or cut it into parts",
            ) from error
        except Image.UnidentifiedImageError as error:
            tiff = tiff_form(path)
            form = tiff or what_it_is(path)
            what = f"{path}: not an image this project can read" + (f": {form}" if form else "")
            allowed, hint = (_TIFFS, _TIFF_HINT) if tiff else (READ_FORMATS, _HINT)
            raise InputError(what, allowed=allowed, hint=hint) from error
        yield image


def _orientation(image: Image.Image) -> int:
    """Of EXIF, XMP or TIFF; broken metadata is no reason to refuse good pixels."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        return 1

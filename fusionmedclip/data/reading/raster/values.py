"""Stored values of a raster file at their full depth."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from PIL import Image, ImageCms

from fusionmedclip.data.reading.raster.tiff_tags import tags_of
from fusionmedclip.data.reading.turning import stored_as, turn
from fusionmedclip.errors import InputError
from fusionmedclip.luma import channel_weights

__all__ = ["Page", "stored_colours", "stored_values", "to_channel"]

_BITS, _PHOTOMETRIC, _PLANAR, _SAMPLE_FORMAT = 258, 262, 284, 339  # TIFF 6.0 tags


@dataclass(frozen=True)
class Page:
    """One decoded picture of a file.

    Attributes
    ----------
    path : Path
    image : PIL.Image.Image
        As stored, not turned; a TIFF upright.
    number : int
        Its place among all frames of the file.
    coding : tuple
        How Pillow unpacks it, for example ``("RGB;16B",)``.
    orientation : int
        How it is to be shown, see :func:`fusionmedclip.data.reading.turning.turn`.
    """

    path: Path
    image: Image.Image
    number: int
    coding: tuple
    orientation: int

    def shown(self, array: np.ndarray, *, exif: bool) -> np.ndarray:
        """Turn an array of the pixels in ``image`` upright, or with ``exif`` false as the file stores it."""
        turned = self.image.format == "TIFF"  # by Pillow, on loading
        if exif:
            return array if turned else turn(array, self.orientation)
        return stored_as(array, self.orientation) if turned else array

    @property
    def deep_colour(self) -> bool:
        """Colour of 16 bits, of which Pillow keeps the upper 8."""
        if len(self.image.getbands()) == 1:
            return False
        if self.image.format == "JPEG2000":
            return _jpeg2000_bits(self.path) > 8
        if self.image.format == "PPM":
            return len(self.coding) > 1 and int(self.coding[-1]) > 255
        if self.image.format == "TIFF":  # of planes Pillow tells the colour only, and takes them for 8 bits
            return _first(tags_of(self.image).get(_BITS, 1)) > 8
        return bool(self.coding) and ";16" in str(self.coding[0])

    @property
    def deep_full(self) -> float:
        """Full scale of colour of 9 to 16 bits, which OpenCV gives as it is stored."""
        if self.image.format == "JPEG2000":
            return 2.0 ** _jpeg2000_bits(self.path) - 1
        return float(self.coding[-1]) if self.image.format == "PPM" else 65535.0


def to_channel(image: Image.Image, channel: str = "luma") -> Image.Image:
    """Force any 8-bit Pillow mode into ``"L"``: ITU-R BT.601 luma, or one channel; alpha is dropped."""
    if image.mode == "L":
        return image
    if image.mode in ("1", "LA") or (channel == "luma" and image.mode in ("RGB", "RGBA")):
        return image.convert("L")
    colour = _to_colour(image)
    return colour.convert("L") if channel == "luma" else colour.getchannel(channel[0].upper())


def _to_colour(image: Image.Image) -> Image.Image:
    """Force any 8-bit Pillow mode into ``"RGB"``: palette (with or without alpha), CMYK, YCbCr, Lab, HSV."""
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        # None comes back where it works in place alone.
        return cast(Image.Image, ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB"))
    return image.convert("RGB")


def stored_colours(page: Page) -> np.ndarray:
    """(H, W) values of a grey file, (H, W, 3) of one in colour or with a palette; alpha is dropped."""
    if page.deep_colour:
        return _deep_colour(page)
    if page.image.mode in ("RGB", "RGBA", "RGBa", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        return np.asarray(_to_colour(page.image))
    return stored_values(page)[0]


def stored_values(page: Page, *, channel: str = "luma") -> tuple[np.ndarray, float | None, bool]:
    """Grey values as the file stores them.

    Returns
    -------
    values : (H, W) array
        In units of the file; of colours their luma, or the channel asked for.
    full : float or None
        Full scale of the integer type; None for 32-bit and floating-point data, whose range no format states.
    inverted : bool
        Zero is white in a floating-point TIFF (for integers this is undone here).
    """
    image, tags = page.image, getattr(page.image, "tag_v2", {})
    white_is_zero = tags.get(_PHOTOMETRIC, 1) == 0
    if page.deep_colour:
        return _deep_colour(page) @ channel_weights(channel), page.deep_full, False
    signed = _first(tags.get(_SAMPLE_FORMAT, 1)) == 2
    if not signed and not image.mode.startswith(("I", "F")):
        return np.asarray(to_channel(image, channel)), 255.0, False
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        bits = _jpeg2000_bits(page.path) if image.format == "JPEG2000" else _first(tags.get(_BITS, 16))
        full = 2.0**bits - 1
        if image.format == "JPEG2000":  # Pillow moves what is stored to the upper of 16 bits
            values = values >> (16 - bits)
        values = values.astype(np.float32)
        return (full - values if white_is_zero else values), full, False
    if image.mode == "I" and image.format == "PPM":  # Pillow stretches what is stored to 16 bits
        full = float(page.coding[-1]) if len(page.coding) > 1 else 65535.0
        return np.rint(values * (full / 65535)), full, False
    if image.mode == "I" and not signed and _first(tags.get(_BITS, 32)) == 32:
        return values.view(np.uint32).astype(np.float64), None, white_is_zero
    if image.mode not in ("I", "F"):  # signed 8 bits, which Pillow takes for unsigned
        values = values.view(np.int8)
    return values.astype(np.float64), None, white_is_zero


def _deep_colour(page: Page) -> np.ndarray:
    """(H, W, 3) uint16 RGB of a page with 16 bits a channel.

    OpenCV, because Pillow has no mode for it. Where it turns pictures by itself, or takes planes for pixels,
    they are refused.
    """
    data = np.fromfile(page.path, np.uint8)
    done, found = cv2.imdecodemulti(data, cv2.IMREAD_UNCHANGED, range=(page.number, page.number + 1))
    if page.image.format == "TIFF" and (page.orientation != 1 or tags_of(page.image).get(_PLANAR, 1) != 1):
        done = False
    pixels = found[0] if done and len(found) == 1 else np.empty(0)
    if pixels.dtype != np.uint16 or pixels.shape[:2] != page.image.size[::-1] or pixels.ndim != 3:
        raise InputError(
            f"{page.path}: colour of 16 bits in a form that is not read",
            received=f"{page.image.format}, orientation {page.orientation}",
            hint="save it upright, colours pixel by pixel, as 16-bit RGB or grey PNG",
        )
    return pixels[..., 2::-1]


def _jpeg2000_bits(path: Path) -> int:
    """Bits of the first component (ITU-T T.800, A.5.1: marker SIZ)."""
    data = path.read_bytes()
    at = data.find(b"\xff\x4f\xff\x51")
    return (data[at + 42] & 0x7F) + 1 if 0 <= at < len(data) - 42 else 8


def _first(value: Any) -> int:
    return int(value[0] if isinstance(value, tuple) else value)

"""Square working size of images and masks."""

import cv2
import numpy as np
from PIL import Image

from fusionmedclip.data.reading.settings import ImageSettings

__all__ = ["resize_image", "resize_mask", "square_pixels"]


_PILLOW = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
_OPENCV = {"bicubic": cv2.INTER_CUBIC, "bilinear": cv2.INTER_LINEAR}


def resize_image(image: np.ndarray, size: int, *, form: ImageSettings | None = None) -> np.ndarray:
    """Resize to a square, by default antialiased and bicubic (thesis 4.1: "resizing images to 224x224").

    The aspect ratio is not kept. Values stay floating point throughout, so nothing is rounded to 8 bits.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) float32 array
        In [0, 1].
    size : int
        Side of the result in pixels.
    form : ImageSettings, optional
        Kernel, and whether shrinking averages.

    Returns
    -------
    (size, size) or (size, size, 3) float32 array
        In [0, 1]; bicubic overshoot is clipped.
    """
    if image.shape[:2] == (size, size):
        return np.asarray(image, np.float32)
    if image.ndim == 3:
        return np.stack([resize_image(image[..., i], size, form=form) for i in range(3)], axis=-1)
    form = form or ImageSettings()
    values = np.ascontiguousarray(image, np.float32)
    resized: np.ndarray
    if form.antialias:
        picture = Image.fromarray(values)  # mode "F"
        resized = np.array(picture.resize((size, size), _PILLOW[form.kernel]), np.float32)
    else:
        resized = cv2.resize(values, (size, size), interpolation=_OPENCV[form.kernel])
    return np.clip(resized, 0.0, 1.0, out=resized)


def resize_mask(mask: np.ndarray, size: int) -> np.ndarray:
    """Resize an (H, W) bool mask to (size, size) by nearest neighbour."""
    picture = Image.fromarray(np.asarray(mask, np.uint8))
    return np.array(picture.resize((size, size), Image.Resampling.NEAREST)) > 0


def square_pixels(image: np.ndarray, row_spacing: float, column_spacing: float) -> np.ndarray:
    """Stretch the coarser direction until pixels are square, so that a circle is shown as one.

    Parameters
    ----------
    image : (H, W) float32 array
        In [0, 1].
    row_spacing, column_spacing : float
        Distance between rows and between columns, in the same unit (mm, or relative).

    Returns
    -------
    (H', W') float32 array
        The same array where the spacings agree within one percent, or differ by more than a factor of 20,
        which no scanner does but damaged headers do.
    """
    height, width = image.shape
    ratio = row_spacing / column_spacing
    if abs(ratio - 1) < 0.01 or not 1 / 20 <= ratio <= 20:
        return image
    size = (width, round(height * ratio)) if ratio > 1 else (round(width / ratio), height)
    picture = Image.fromarray(np.ascontiguousarray(image, np.float32))
    return np.array(picture.resize(size, Image.Resampling.BILINEAR), np.float32)

"""Square working size of images and masks."""

import numpy as np
from PIL import Image

__all__ = ["resize_image", "resize_mask", "square_pixels"]


def resize_image(image: np.ndarray, size: int) -> np.ndarray:
    """Resize to a square by antialiased bicubic interpolation (thesis 4.1: "resizing images to 224x224").

    The aspect ratio is not kept. Values stay floating point throughout, so nothing is rounded to 8 bits.

    Parameters
    ----------
    image : (H, W) float32 array
        In [0, 1].
    size : int
        Side of the result in pixels.

    Returns
    -------
    (size, size) float32 array
        In [0, 1]; bicubic overshoot is clipped.
    """
    if image.shape == (size, size):
        return np.asarray(image, np.float32)
    picture = Image.fromarray(np.ascontiguousarray(image, np.float32))  # mode "F"
    resized = np.array(picture.resize((size, size), Image.Resampling.BICUBIC), np.float32)
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

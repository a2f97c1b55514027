"""Pictures as the image tower sees them: in training (augmented) and in evaluation (centre crop)."""

import math

import cv2
import numpy as np

from fusionmedclip.data.reading.read import read_image
from fusionmedclip.training.pretrain.settings import AugmentSettings

__all__ = ["augment", "centre_crop", "decode", "stored_side"]

_TRIES = 10  # as torchvision's RandomResizedCrop before it falls back to a centred crop


def stored_side(size: int, settings: AugmentSettings) -> int:
    """Shorter side at which a picture is kept, so that no crop of a square picture is enlarged, pixels."""
    return size if settings.crop_scale is None else math.ceil(size / math.sqrt(settings.crop_scale[0]))


def decode(file: str, side: int) -> np.ndarray:
    """Read a picture and shrink its shorter side to ``side`` pixels where it is longer.

    Returns
    -------
    (H, W) uint8 array
        Grey; 8 bits, as ROCO's JPEG files have.
    """
    grey = read_image(file)
    ratio = side / min(grey.shape)
    if ratio < 1:
        width, height = (max(side, round(length * ratio)) for length in grey.shape[::-1])
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8)


def centre_crop(picture: np.ndarray, size: int) -> np.ndarray:
    """Shorter side to ``size``, then the middle (Table A2: ShorterResizeCrop, CenterCrop).

    Parameters
    ----------
    picture : (H, W) uint8 array
    size : int

    Returns
    -------
    (size, size) float32 array
        In [0, 1].
    """
    return _resize(_centre(picture), size).astype(np.float32) / 255


def augment(
    picture: np.ndarray, *, size: int, settings: AugmentSettings, rng: np.random.Generator
) -> np.ndarray:
    """One random view of a picture: RandomResizedCrop, HFlip, ColorJitter, Rotation (Table A2, in its order).

    All numbers are drawn in one fixed order, whatever is switched on.

    Parameters
    ----------
    picture : (H, W) uint8 array
    size : int
        Side of the result, pixels.
    settings : AugmentSettings
    rng : numpy.random.Generator

    Returns
    -------
    (size, size) float32 array
        In [0, 1]. Corners that a rotation uncovers are 0.
    """
    boxes, (angle, bright, contrast) = rng.random((_TRIES, 4)), rng.uniform(-1, 1, 3)
    flip = rng.random() < 0.5
    if settings.crop_scale is None:
        view = _resize(_centre(picture), size)
    else:
        top, left, height, width = _crop_box(picture.shape, settings.crop_scale, settings.crop_ratio, boxes)
        view = _resize(picture[top : top + height, left : left + width], size)
    if settings.flip and flip:
        view = view[:, ::-1]
    grey: np.ndarray = np.ascontiguousarray(view, np.float32) / 255
    if settings.contrast:
        mean = grey.mean()
        grey = mean + (grey - mean) * np.float32(1 + contrast * settings.contrast)
    if settings.brightness:
        grey *= np.float32(1 + bright * settings.brightness)
    np.clip(grey, 0, 1, out=grey)
    if settings.rotation:
        turn = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), angle * settings.rotation, 1.0)
        grey = cv2.warpAffine(grey, turn, (size, size), flags=cv2.INTER_LINEAR)
    return grey


def _crop_box(
    shape: tuple[int, ...], scale: tuple[float, float], ratio_range: tuple[float, float], draws: np.ndarray
) -> tuple[int, int, int, int]:
    """Top, left, height and width by torchvision's rule: area uniform, aspect ratio log-uniform."""
    low, high = scale
    ratios = np.log(ratio_range)
    for area_draw, ratio_draw, top_draw, left_draw in draws:
        area = shape[0] * shape[1] * (low + (high - low) * area_draw)
        ratio = math.exp(ratios[0] + (ratios[1] - ratios[0]) * ratio_draw)
        width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < width <= shape[1] and 0 < height <= shape[0]:
            top, left = int(top_draw * (shape[0] - height + 1)), int(left_draw * (shape[1] - width + 1))
            return top, left, height, width
    side = min(shape)
    return (shape[0] - side) // 2, (shape[1] - side) // 2, side, side


def _centre(picture: np.ndarray) -> np.ndarray:
    side = min(picture.shape)
    top, left = ((length - side) // 2 for length in picture.shape)
    return picture[top : top + side, left : left + side]


def _resize(picture: np.ndarray, size: int) -> np.ndarray:
    shrink = min(picture.shape) > size
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)

"""The three views of CutPaste: normal, with a pasted patch, with a scar (Li et al., CVPR 2021, 2.2)."""

import cv2
import numpy as np

from fusionmedclip.baselines.cutpaste.settings import CutPasteSettings

__all__ = ["paste_patch", "paste_scar", "shift_and_jitter"]


def shift_and_jitter(image: np.ndarray, rng: np.random.Generator, settings: CutPasteSettings) -> np.ndarray:
    """A normal (S, S) image moved a little, with changed brightness and contrast; edges repeat."""
    side = image.shape[0]
    dx, dy = rng.uniform(-1, 1, 2) * settings.translation * side
    move = np.array([[1, 0, dx], [0, 1, dy]])
    moved = cv2.warpAffine(image, move, (side, side), borderMode=cv2.BORDER_REPLICATE)
    return _jittered(moved, rng, settings.jitter)


def paste_patch(image: np.ndarray, rng: np.random.Generator, settings: CutPasteSettings) -> np.ndarray:
    """Copy of an (S, S) image with one of its own rectangles, jittered, pasted elsewhere."""
    side = image.shape[0]
    area = rng.uniform(*settings.area) * side**2
    flat, tall = settings.aspect
    aspect = rng.uniform(1, tall) if rng.random() < 0.5 else rng.uniform(flat, 1)
    height = int(np.clip(round((area * aspect) ** 0.5), 1, side))
    width = int(np.clip(round((area / aspect) ** 0.5), 1, side))
    patch = _jittered(_cut(image, height, width, rng), rng, settings.jitter)
    result = image.copy()
    top, left = _corner(side, height, width, rng)
    result[top : top + height, left : left + width] = patch
    return result


def paste_scar(image: np.ndarray, rng: np.random.Generator, settings: CutPasteSettings) -> np.ndarray:
    """Copy of an (S, S) image with a thin, turned rectangle of its own, jittered, pasted elsewhere."""
    side = image.shape[0]
    scale = side / 256
    width = max(1, round(rng.uniform(*settings.scar_width) * scale))
    height = max(1, round(rng.uniform(*settings.scar_height) * scale))
    patch = _jittered(_cut(image, height, width, rng), rng, settings.jitter)
    angle = rng.uniform(-settings.scar_angle, settings.scar_angle)
    box = int(np.ceil(np.hypot(height, width))) + 1
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    turn[:, 2] += (box - width) / 2, (box - height) / 2
    turned = cv2.warpAffine(patch, turn, (box, box), borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.ones_like(patch), turn, (box, box)) >= 0.5
    if box > side:
        turned, inside, box = turned[:side, :side], inside[:side, :side], side
    result = image.copy()
    top, left = _corner(side, box, box, rng)
    target = result[top : top + box, left : left + box]
    target[inside] = turned[inside]
    return result


def _cut(image: np.ndarray, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    top, left = _corner(image.shape[0], height, width, rng)
    return image[top : top + height, left : left + width]


def _corner(side: int, height: int, width: int, rng: np.random.Generator) -> tuple[int, int]:
    top = rng.integers(0, side - height, endpoint=True)
    left = rng.integers(0, side - width, endpoint=True)
    return int(top), int(left)


def _jittered(image: np.ndarray, rng: np.random.Generator, amount: float) -> np.ndarray:
    brightness, contrast = 1 + rng.uniform(-amount, amount, 2)
    bright = image * brightness
    mean = bright.mean()
    return np.clip((bright - mean) * contrast + mean, 0, 1).astype(np.float32)

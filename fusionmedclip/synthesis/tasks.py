"""`synthesize`: put anomalies of one task into one image, and say exactly where."""

from collections.abc import Callable

import cv2
import numpy as np

from fusionmedclip.errors import InputError
from fusionmedclip.synthesis.anatomy import Anatomy
from fusionmedclip.synthesis.deformation import guided, sink, source
from fusionmedclip.synthesis.density import density, gaussian
from fusionmedclip.synthesis.edits import Edit, Scene
from fusionmedclip.synthesis.masks import place_box
from fusionmedclip.synthesis.settings import TASKS, SynthesisSettings
from fusionmedclip.synthesis.shapes import shape_from
from fusionmedclip.synthesis.structural import cutpaste, poisson

__all__ = ["ROUNDING", "SIDES", "check_images", "synthesize", "synthesize_scene"]

ROUNDING = 0.5 / 255
"""A change of at most half a grey level of an 8-bit image is rounding, not an anomaly."""

SIDES = (32, 1024)
"""Smallest and largest side of an image, in pixels."""

REFERENCE_SIDE = 224
"""Side at which the settings' lengths in pixels hold."""

Task = Callable[..., Edit]

_EDITS: dict[str, Task] = {
    "cutpaste": cutpaste,
    "poisson": poisson,
    "gaussian": gaussian,
    "density": density,
    "source": source,
    "sink": sink,
    "guided": guided,
}


def check_images(images: np.ndarray, *, name: str, dimensions: int) -> None:
    """Refuse anything but float32 grey images in [0, 1] with sides of 32 to 1024 pixels."""
    shape = "(k, H, W)" if dimensions == 3 else "(H, W)"
    allowed = f"float32 {shape} in [0, 1], sides of {SIDES[0]} to {SIDES[1]} pixels"
    if not isinstance(images, np.ndarray) or images.dtype != np.float32 or images.ndim != dimensions:
        received = (getattr(images, "dtype", type(images).__name__), getattr(images, "shape", None))
        raise InputError(f"{name} has the wrong type or shape", received=received, allowed=allowed)
    if images.size == 0 or not all(SIDES[0] <= side <= SIDES[1] for side in images.shape[-2:]):
        raise InputError(f"{name} has the wrong size", received=images.shape, allowed=allowed)
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= 1):
        raise InputError(
            f"{name} has values outside [0, 1]",
            received=(low, high),
            allowed=allowed,
            hint="read images with fusionmedclip.data.read_image",
        )


def synthesize(
    image: np.ndarray,
    support: np.ndarray,
    *,
    task: str,
    rng: np.random.Generator,
    settings: SynthesisSettings | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Put one or two anomalies of a task into a normal image (thesis section 3.4).

    Parameters
    ----------
    image : (H, W) float32 array
        Grey, in [0, 1], sides of 32 to 1024 pixels. Not modified.
    support : (k, H, W) float32 array
        Normal images that patches are taken from.
    task : str
        One of `TASKS`.
    rng : numpy.random.Generator
        The only source of randomness.
    settings : SynthesisSettings, optional

    Returns
    -------
    image : (H, W) float32 array
        In [0, 1]; off the mask bitwise equal to the image received.
    mask : (H, W) bool array
        Where the image changed by more than rounding (half a grey level), small gaps closed; for tasks in
        ``settings.drawn_masks`` all that was drawn. Never empty, except for ``identity``.

    Raises
    ------
    InputError
        For an unknown task or images that cannot be used.

    Notes
    -----
    A draw that lands off the anatomy, or changes too few pixels, or by too little, is repeated, at most
    ``settings.attempts`` times. Then (a constant image, say, which no paste or warp can change) an ellipse
    is shifted by ``settings.fallback_shift`` towards the middle of the value range.
    """
    settings = SynthesisSettings() if settings is None else settings
    check_images(image, name="image", dimensions=2)
    check_images(support, name="support", dimensions=3)
    anatomies = [Anatomy(each, foreground=settings.foreground) for each in support]
    anatomy = Anatomy(image, foreground=settings.foreground)
    return synthesize_scene(image, anatomy, support, anatomies, task=task, rng=rng, settings=settings)


def synthesize_scene(
    image: np.ndarray,
    anatomy: Anatomy,
    support: np.ndarray,
    anatomies: list[Anatomy],
    *,
    task: str,
    rng: np.random.Generator,
    settings: SynthesisSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """`synthesize` for images that were checked and whose anatomy is known."""
    if task not in TASKS:
        raise InputError("unknown synthesis task", received=task, allowed=", ".join(TASKS))
    mask = np.zeros(image.shape, dtype=bool)
    result = image.copy()
    if task == "identity":
        return result, mask
    scale = float(np.sqrt(image.shape[0] * image.shape[1])) / REFERENCE_SIDE
    scene = Scene(image, result, anatomy, support, anatomies, settings, scale)
    count = 2 if rng.random() < settings.second_anomaly_probability else 1
    for _ in range(count):
        _apply(scene, mask, task=task, rng=rng)
    return result, mask


def _apply(scene: Scene, mask: np.ndarray, *, task: str, rng: np.random.Generator) -> None:
    """Draw regions until one takes, then write it into the scene's image and the mask."""
    for _ in range(scene.settings.attempts):
        if _take(scene, mask, _EDITS[task](scene, rng=rng), drawn=task in scene.settings.drawn_masks):
            return
    _take(scene, mask, _shifted(scene, rng=rng), force=True)


def _take(scene: Scene, mask: np.ndarray, edit: Edit, *, drawn: bool = False, force: bool = False) -> bool:
    """Write an edit into the scene's image and the mask, if it changes enough.

    The mask is what changed or, with ``drawn``, all of the edit's region.

    Inside its region an edit replaces what an earlier one left, in the image and in the mask, so that the
    mask stays the difference from the base image even where two anomalies overlap.
    """
    box = edit.box
    region = scene.on_anatomy(edit.region, box)
    if force and not region.any():
        region = edit.region
    if not force and not scene.enough(region, edit.region):
        return False
    base = scene.base[box.window]
    pixels = np.clip(edit.pixels, 0, 1)
    change = np.abs(pixels - base)
    label = region.copy() if drawn else (change > ROUNDING) & region
    if not force and not scene.visible(change, label):
        return False
    label = _closed(label, region, width=round(scene.settings.label_closing * scene.scale))
    view, seen = scene.image[box.window], mask[box.window]
    np.copyto(view, base, where=region)
    np.copyto(view, pixels, where=label)
    np.copyto(seen, label, where=region)
    return True


def _closed(label: np.ndarray, region: np.ndarray, *, width: int) -> np.ndarray:
    """Label with its gaps closed inside the region."""
    if width <= 1:
        return label
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    closed = cv2.morphologyEx(label.view(np.uint8), cv2.MORPH_CLOSE, kernel).view(bool)
    closed &= region
    closed |= label
    return closed


def _shifted(scene: Scene, *, rng: np.random.Generator) -> Edit:
    """Fallback: an ellipse shifted towards the middle of the value range, which changes any image."""
    box, pixel = place_box((0.1, 0.3), anatomy=scene.anatomy, rng=rng)
    half = (box.height / 2, box.width / 2)
    shape = shape_from(half, centre=pixel, shear=0.0, degrees=0.0, ellipse=True, size=scene.image.shape)
    down, across = shape.coordinates()
    base, shift = scene.base[shape.box.window], scene.settings.fallback_shift
    pixels = base + np.where(base < 0.5, shift, -shift).astype(np.float32)
    return Edit(shape.box, pixels, down * down + across * across <= 1)

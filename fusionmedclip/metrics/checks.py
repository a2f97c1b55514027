"""What every metric asks of its labels and scores, in one place."""

import numpy as np
from numpy.typing import ArrayLike

from fusionmedclip.errors import InputError

__all__ = ["check_labels", "check_level", "check_maps", "check_run", "check_runs", "check_scores"]


def check_labels(labels: ArrayLike) -> np.ndarray:
    """Labels as an (n,) bool array, True where anomalous.

    Raises
    ------
    InputError
        If `labels` is not one-dimensional, holds anything but 0 and 1, or lacks one of the two classes.
    """
    array = np.asarray(labels)
    if array.ndim != 1:
        raise InputError("labels are not one-dimensional", received=array.shape, allowed="shape (n,)")
    if array.dtype != bool:
        if array.dtype.kind not in "iuf" or not np.isin(array, (0, 1)).all():
            raise InputError(
                "labels hold something other than 0 and 1",
                received=np.unique(array)[:5].tolist(),
                allowed="0 or False (normal), 1 or True (anomalous)",
            )
        array = array.astype(bool)
    positives = int(array.sum())
    if not 0 < positives < array.size:
        raise InputError(
            "labels hold one class only, so normal and anomalous cannot be compared",
            received=f"{positives} anomalous, {array.size - positives} normal",
            allowed="at least one of each",
            hint="check the split of the data set and its label column",
        )
    return array


def check_scores(scores: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Scores as a float64 array of one shape.

    Raises
    ------
    InputError
        If the shape differs, a score is not a number, or one is NaN or infinite.
    """
    array = np.asarray(scores)
    if array.dtype.kind not in "biuf":
        raise InputError("scores are not numbers", received=str(array.dtype), allowed="a real dtype")
    if array.shape != shape:
        raise InputError("scores do not match the labels", received=array.shape, allowed=f"shape {shape}")
    array = array.astype(np.float64)
    bad = array.size - int(np.isfinite(array).sum())
    if bad:
        raise InputError(
            "scores are not all finite",
            received=f"{bad} NaN or infinite of {array.size}",
            hint="find the image that was scored so: a score column never has a gap",
        )
    return array


def check_run(labels: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """One run: labels (n,) bool with both classes, and scores (n,) float64."""
    checked = check_labels(labels)
    return checked, check_scores(scores, checked.shape)


def check_runs(labels: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Several runs on the same images: labels (n,) bool, and scores (M, n) float64; (n,) becomes (1, n)."""
    checked = check_labels(labels)
    array = np.atleast_2d(np.asarray(scores))
    return checked, check_scores(array, (len(array), checked.size))


def check_maps(maps: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Anomaly maps (N, H, W) of floats and masks of the same shape of bool."""
    maps, masks = np.asarray(maps), np.asarray(masks)
    if maps.dtype.kind != "f" or maps.ndim != 3 or 0 in maps.shape[1:]:
        raise InputError(
            "anomaly maps have the wrong form",
            received=(maps.shape, str(maps.dtype)),
            allowed="(N, H, W) floats",
        )
    if masks.shape != maps.shape:
        raise InputError("masks do not match the maps", received=masks.shape, allowed=f"shape {maps.shape}")
    if masks.dtype != bool:
        raise InputError(
            "masks are not binary",
            received=str(masks.dtype),
            allowed="bool",
            hint="threshold: mask > 127, mask > 0.5",
        )
    return maps, masks


def check_level(name: str, value: float) -> float:
    """A probability strictly between 0 and 1."""
    if not 0 < value < 1:
        raise InputError(f"{name} is no probability", received=value, allowed="strictly between 0 and 1")
    return float(value)

"""Labels that are given beside images, as scikit-learn gives them: 0 is normal, everything else is not."""

from typing import Any

import numpy as np

from fusionmedclip.errors import InputError

__all__ = ["normal_rows"]


def normal_rows(y: Any, count: int) -> np.ndarray:
    """Rows of label 0, of ``count`` images; all of them without labels.

    Parameters
    ----------
    y : (count,) array of bool, int or float, or None
    count : int

    Raises
    ------
    InputError
        For labels of another number, missing or broken ones, of which nobody knows what is normal, or if
        nothing is.
    """
    if y is None:
        return np.arange(count)
    labels = np.asarray(y)
    if labels.shape != (count,):
        received = f"shape {labels.shape} for {count} images"
        raise InputError("one label an image", received=received, allowed=f"({count},)")
    if labels.dtype.kind not in "biuf":
        received = labels[:3].tolist()
        raise InputError("labels are numbers", received=received, allowed="0 is normal, others are not")
    broken = labels[~np.isfinite(labels) | (labels != np.round(labels))]
    if len(broken):
        received = broken[:3].tolist()
        raise InputError("labels are whole numbers", received=received, allowed="0 is normal, others are not")
    rows = np.flatnonzero(labels == 0)
    if not len(rows):
        raise InputError("no normal image to fit on", hint="give images of label 0")
    return rows

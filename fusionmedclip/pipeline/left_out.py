"""Scores of support images by models that were not fitted on them: where a threshold may come from."""

from collections.abc import Callable

import numpy as np

from fusionmedclip.errors import InputError
from fusionmedclip.models.detector import Detector

__all__ = ["left_out_scores"]


def left_out_scores(
    count: int, folds: int, *, fit: Callable[[np.ndarray], Detector], score: Callable[..., np.ndarray]
) -> np.ndarray:
    """Score each support image by a model fitted on the other folds.

    Image i is in fold i mod `folds`; a support set is in the order in which it was drawn at random.

    Parameters
    ----------
    count : int
        Support images, k.
    folds : int
        2 or more; k or more leaves one out at a time.
    fit : callable
        Fits a new model on the support images at some positions.
    score : callable
        ``score(model, positions)`` scores the images at some positions.

    Returns
    -------
    (k,) float64 array

    Raises
    ------
    InputError
        If there are fewer than two folds or images.
    """
    folds = min(folds, count)
    if folds < 2:
        raise InputError(
            "support folds need two images and two folds",
            received=f"{count} images, {folds} folds",
            hint="leave support_folds out for k = 1",
        )
    positions = np.arange(count)
    scores = np.empty(count)
    for fold in range(folds):
        out = positions % folds == fold
        scores[out] = score(fit(positions[~out]), positions[out])
    return scores

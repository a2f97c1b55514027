"""All metrics of one run by the names that metrics files and tables use."""

import numpy as np
from numpy.typing import ArrayLike

from fusionmedclip.metrics.calibration import brier_score, expected_calibration_error, is_probability
from fusionmedclip.metrics.image import image_ap, image_auroc
from fusionmedclip.metrics.operating import best_f1, f1_at, rates_at, sensitivity_at_specificity
from fusionmedclip.metrics.pixel import PixelCounts

__all__ = ["image_metrics", "pixel_metrics"]


def image_metrics(
    labels: ArrayLike, scores: ArrayLike, *, threshold: float | None = None
) -> dict[str, float | None]:
    """Image-level metrics of one run.

    Parameters
    ----------
    labels : (n,) array of bool or 0/1
        True where anomalous.
    scores : (n,) array
        Higher where more anomalous.
    threshold : float, optional
        Fixed beforehand, from the support set alone (:func:`~fusionmedclip.metrics.support_threshold`).

    Returns
    -------
    dict
        0-1 floats; None where undefined (no threshold; calibration of scores outside [0, 1]).
        ``image_f1_oracle`` chose its threshold on the test labels.
    """
    fixed = rates = None
    if threshold is not None:
        fixed, rates = f1_at(labels, scores, threshold), rates_at(labels, scores, threshold)
    calibrated = is_probability(scores)
    return {
        "image_auroc": image_auroc(labels, scores),
        "image_ap": image_ap(labels, scores),
        "image_f1_oracle": best_f1(labels, scores).f1,
        "image_f1": fixed,
        "image_sensitivity": rates and rates.sensitivity,
        "image_specificity": rates and rates.specificity,
        "image_sensitivity_at_95_specificity": sensitivity_at_specificity(labels, scores, 0.95),
        "image_brier": brier_score(labels, scores) if calibrated else None,
        "image_ece": expected_calibration_error(labels, scores) if calibrated else None,
        "image_prevalence": float(np.mean(np.asarray(labels, dtype=float))),
    }


def pixel_metrics(counts: PixelCounts, *, limit: float = 0.3) -> dict[str, float]:
    """Pixel-level metrics of one run; ``pixel_aupro`` is integrated to the false positive rate `limit`."""
    return {
        "pixel_auroc": counts.auroc(),
        "pixel_ap": counts.ap(),
        "pixel_aupro": counts.aupro(limit),
        "pixel_auroc_slack": counts.auroc_slack(),
        "pixel_prevalence": counts.positives / (counts.positives + counts.negatives),
    }

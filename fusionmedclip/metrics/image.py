"""Image-level ranking metrics: AUROC and average precision."""

from numpy.typing import ArrayLike

from fusionmedclip.metrics.checks import check_run

__all__ = ["image_ap", "image_auroc"]


def image_auroc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the receiver operating characteristic (thesis section 4.3, "Image-AUROC").

    The probability that an anomalous image scores higher than a normal one, ties counting one half.

    Parameters
    ----------
    labels : (n,) array of bool or 0/1
        True where anomalous.
    scores : (n,) array
        Anomaly scores, higher where more anomalous, on any scale.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    InputError
        If only one class is present, a score is not finite, or the shapes differ.

    Examples
    --------
    >>> image_auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    from sklearn.metrics import roc_auc_score  # here: a second to import, and tables do without

    return float(roc_auc_score(*check_run(labels, scores)))


def image_ap(labels: ArrayLike, scores: ArrayLike) -> float:
    """Average precision: sum over distinct thresholds of (recall step) x precision, not interpolated.

    Parameters, returns and raises as in :func:`image_auroc`. A method that ranks at random has an
    expected value near the share of anomalous images, not 0.5.
    """
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(*check_run(labels, scores)))

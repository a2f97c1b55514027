"""Which patches show the object: AnomalyDINO's zero-shot mask (Damm et al., WACV 2025, section 3.3)."""

import cv2
import numpy as np
from sklearn.decomposition import PCA

__all__ = ["foreground"]

BORDER = 0.2
"""Share of each side that does not belong to an image's middle."""

LEAST = 0.35
"""Share of the middle above which the mask shows the object, and not what is around it."""

KERNEL = np.ones((3, 3), np.uint8)


def foreground(features: np.ndarray, *, threshold: float) -> np.ndarray:
    """Patches whose first principal component, over those of this image, is above a threshold.

    A component has no sign of its own. As published: the sign is scikit-learn's (its largest loading is
    positive), and the other one where no more than 0.35 of the image's middle would be kept. Then the mask
    grows by a patch to both sides, and holes of one or two patches close. The published code does both on one
    long row of all patches, not on the grid: up and down nothing grows, and a row's end touches the next one.

    Parameters
    ----------
    features : (D, h, w) float array
        Not normalised.
    threshold : float
        On the features' own scale.

    Returns
    -------
    (h, w) bool array
    """
    height, width = features.shape[1:]
    tokens = features.reshape(len(features), -1).T.astype(np.float32)
    component = PCA(n_components=1, svd_solver="full").fit_transform(tokens).reshape(height, width)
    mask = component > threshold
    middle = mask[
        int(height * BORDER) : int(height * (1 - BORDER)), int(width * BORDER) : int(width * (1 - BORDER))
    ]
    if middle.sum() <= middle.size * LEAST:
        mask = -component > threshold
    grown = cv2.dilate(mask.astype(np.uint8).reshape(-1, 1), KERNEL)
    return cv2.morphologyEx(grown, cv2.MORPH_CLOSE, KERNEL).astype(bool).reshape(height, width)

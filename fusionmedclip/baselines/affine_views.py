"""Small random affine changes of training images."""

import cv2
import numpy as np

__all__ = ["random_affine"]


def random_affine(
    image: np.ndarray,
    rng: np.random.Generator,
    *,
    degrees: float = 0.0,
    translation: tuple[float, float] = (0.0, 0.0),
    scaling: float = 0.0,
) -> np.ndarray:
    """An (S, S) image turned, moved and scaled about its centre; what comes from outside is black.

    Parameters
    ----------
    degrees : float
        Largest turn either way.
    translation : (float, float)
        Largest move along width and height, as shares of the side.
    scaling : float
        Scale between 1 - scaling and 1 + scaling.
    """
    side = image.shape[0]
    angle = rng.uniform(-degrees, degrees)
    scale = 1 + rng.uniform(-scaling, scaling)
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), angle, scale)
    matrix[:, 2] += rng.uniform(-1, 1, 2) * np.array(translation) * side
    return cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR)

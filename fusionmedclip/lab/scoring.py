"""A detector over slices, in batches of one shape."""

import numpy as np

from fusionmedclip.luma import as_grey
from fusionmedclip.models.detector import Detector, Scores, join

__all__ = ["BATCH", "score_slices", "seen_by"]

BATCH = 8
"""Slices scored at a time where nothing else is asked for."""


def seen_by(detector: Detector, images: np.ndarray) -> np.ndarray:
    """Images as a detector takes them: luma, where it has no use for colour."""
    return images if detector.colour else as_grey(images)


def score_slices(detector: Detector, images: np.ndarray, batch_size: int = BATCH) -> Scores:
    """Score (N, S, S) or (N, S, S, 3) images in batches that are all full, the last one filled up.

    The digits of a score depend on the shape of its batch: with one shape always, an image scores alike
    whatever is scored beside it, in whatever part of a prediction.
    """
    images = seen_by(detector, images)
    parts = []
    for start in range(0, len(images), batch_size):
        rows = np.minimum(np.arange(start, start + batch_size), len(images) - 1)
        parts.append(detector.score(images[rows]).first(min(batch_size, len(images) - start)))
    return join(parts)

"""Where a score stands among those of left-out support inputs."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Standing", "standing"]


class Standing(NamedTuple):
    """Where a score stands among those of left-out support inputs.

    Attributes
    ----------
    percentile : float or None
        Share of them below the score, in percent; None where there is nothing to compare with.
    flag : bool or None
        Whether the score reaches the threshold that they give.
    """

    percentile: float | None
    flag: bool | None


def standing(score: float, left_out: Mapping[str, Any] | None, level: str) -> Standing:
    """Percentile and flag of a score.

    Parameters
    ----------
    score : float
    left_out : mapping or None
        Of a saved model; None where it has none.
    level : {"pictures", "volumes"}
        What the score is of: slices and pictures compare with those, volumes with volumes.
    """
    kept = (left_out or {}).get(level) or {"scores": []}
    scores = kept["scores"]
    if not scores or not math.isfinite(score):
        return Standing(None, None)
    below = int(np.searchsorted(scores, score, side="left"))
    return Standing(100 * below / len(scores), bool(score >= kept["threshold"]))

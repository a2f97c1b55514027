"""The one scale of colours that every map of a prediction is drawn on."""

from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib import colormaps

from fusionmedclip.errors import InputError

__all__ = ["COLOUR_MAP", "MapScale", "calibrated_scale"]

COLOUR_MAP = "plasma"
"""Perceptually uniform, its lightness rising all the way (Smith and van der Walt, SciPy 2015)."""

_FAINT, _CLEAR, _FULL = 0.25, 0.45, 0.7  # opacity just below the threshold, just above it, at the top


@dataclass(frozen=True, kw_only=True)
class MapScale:
    """Which values of a map get which colour, alike in every picture of a prediction.

    Attributes
    ----------
    low, high : float
        Values at the ends of the colours; what is below ``low`` has no colour at all.
    threshold : float or None
        Value above which a pixel is marked; None without a calibration.
    rests_on : str
        Where the scale comes from, in words for the page.
    """

    low: float
    high: float
    threshold: float | None = None
    rests_on: str = ""

    def __post_init__(self) -> None:
        inside = self.threshold is None or self.low <= self.threshold <= self.high
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high and inside):
            raise InputError(
                "no scale of colours",
                received=(self.low, self.threshold, self.high),
                allowed="low < high, the threshold between them",
            )

    def positions(self, values: np.ndarray) -> np.ndarray:
        """Places on the scale of any array of values, float32 in [0, 1]."""
        width = max(self.high - self.low, float(np.finfo(np.float32).tiny))  # whose inverse is a number
        return np.clip((np.asarray(values, np.float32) - self.low) * (1 / width), 0, 1)

    def colours(self, values: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 colours of (H, W) values."""
        table = colormaps[COLOUR_MAP](np.arange(256), bytes=True)[:, None, :3]
        return cv2.applyColorMap(np.rint(self.positions(values) * 255).astype(np.uint8), table)

    def opacities(self, values: np.ndarray) -> np.ndarray:
        """(...) float32 in [0, 1]: faint below the threshold, so that a normal image looks like one."""
        places = self.positions(values)
        if self.threshold is None:
            return places * _FULL
        middle = float(self.positions(np.array(self.threshold)))
        below = places / max(middle, 1e-6) * _FAINT
        above = _CLEAR + (places - middle) / max(1 - middle, 1e-6) * (_FULL - _CLEAR)
        return np.where(self.marked(values), above, below).astype(np.float32)

    def marked(self, values: np.ndarray) -> np.ndarray:
        """(...) bool: above the threshold; nothing is where there is none."""
        return np.zeros(np.shape(values), bool) if self.threshold is None else values > self.threshold


def calibrated_scale(
    threshold: float, *, usual: float, ceiling: float | None = None, rests_on: str = ""
) -> MapScale:
    """A scale with the threshold in its middle, or above it where maps can rise no higher.

    Parameters
    ----------
    threshold : float
        That maps of left-out support images stay below.
    usual : float
        A value that is common in those maps, such as their median; what is below has no colour.
    ceiling : float, optional
        The highest value that a map can have: 1 for probabilities.
    rests_on : str
        See :class:`MapScale`.
    """
    low = min(usual, threshold)
    high = threshold + (threshold - low)
    high = high if ceiling is None else min(high, ceiling)
    if not high > low:  # all left-out maps alike, or the threshold at the ceiling
        low, high = low - max(abs(low), 1.0) * 0.5, low if high == ceiling else low + max(abs(low), 1.0) * 0.5
    return MapScale(low=low, high=high, threshold=threshold, rests_on=rests_on)

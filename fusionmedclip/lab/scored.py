"""What a model says of one input: an image, a volume, a series or a film of several frames."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusionmedclip.lab.standing import Standing

__all__ = ["ScoredInput"]


@dataclass(frozen=True)
class ScoredInput:
    """One input with its slices, in the order in which they lie in it.

    Parameters
    ----------
    files : tuple of Path
        The file, or the files of a series in the order of its slices.
    name : str
        Unique within one prediction, safe as a file's stem.
    slices : tuple of str
        Name of each slice; one empty name for a plain image.
    pixels : numpy.ndarray
        float32 of shape (n, H, W) or (n, H, W, 3), in [0, 1], as they were read, at the input's own size.
    maps : numpy.ndarray or None
        float32 anomaly maps of shape (n, H, W); None for a method that scores images only.
    scores : numpy.ndarray
        float64 of shape (n,).
    score : float
        The input's own, by the stated rule over its slices.
    percentile : float or None
        Share of left-out support scores below ``score``, in percent.
    flag : bool or None
        Whether ``score`` is above the threshold that the support set was calibrated with.
    axis : int or None
        Axis of a NIfTI volume along which its slices lie.
    standings : tuple of Standing
        Of its slices, against left-out pictures and slices; empty for a plain image.
    notes : tuple of str
        What has to be known of it beside its score: blank, one volume of several, unequal distances.
    """

    files: tuple[Path, ...]
    name: str
    slices: tuple[str, ...]
    pixels: np.ndarray
    maps: np.ndarray | None
    scores: np.ndarray
    score: float
    percentile: float | None = None
    flag: bool | None = None
    axis: int | None = None
    standings: tuple[Standing, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def flagged_slices(self) -> int:
        """Slices that reach the threshold of slices and pictures."""
        return sum(one.flag is True for one in self.standings)

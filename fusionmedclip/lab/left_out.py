"""What a model is worth on support images that it was not fitted on: all that it can know of itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fusionmedclip.data.reading.recombine import reduce_scores
from fusionmedclip.errors import InputError
from fusionmedclip.lab.scoring import BATCH, score_slices
from fusionmedclip.lab.support import Support
from fusionmedclip.metrics import Interval, delong_interval, support_threshold
from fusionmedclip.models.detector import Detector, Scores
from fusionmedclip.pipeline.left_out import left_out_scores
from fusionmedclip.randomness import key
from fusionmedclip.synthesis import AnomalyStream, SynthesisSettings

__all__ = ["LeftOut", "Maps", "leave_out", "map_record"]


class Maps(NamedTuple):
    """The highest value of each map of an input, and each map's median."""

    peaks: np.ndarray
    medians: np.ndarray

    @classmethod
    def of(cls, scores: Scores) -> "list[Maps]":
        """One of what a method says of an input; none where it has no maps."""
        if scores.maps is None:
            return []
        flat = scores.maps.reshape(len(scores.maps), -1)
        return [cls(flat.max(axis=1), np.median(flat, axis=1))]


def map_record(maps: Sequence[Maps], *, left_out: bool, false_positive_rate: float) -> dict[str, Any] | None:
    """What maps of support images tell a scale of colours: a value that they rarely reach, a usual one."""
    if not maps:
        return None
    peaks = np.concatenate([each.peaks for each in maps])
    usual = float(np.median(np.concatenate([each.medians for each in maps])))
    threshold = support_threshold(peaks, false_positive_rate).threshold
    return {"threshold": threshold, "usual": usual, "left_out": left_out}


@dataclass(frozen=True)
class LeftOut:
    """Scores of support inputs, each by a model fitted without it.

    Attributes
    ----------
    folds : int
    rule : str
        How slices make the score of a volume.
    pictures : list of (n,) float64 arrays
        Of each input's slices.
    made : (k,) float64 array or None
        Of the middle slice of each input with an anomaly made into it; None where none can be made.
    middle : (k,) float64 array
        Of the same slices without.
    maps : list of Maps
        Of all slices; empty for a method without.
    """

    folds: int
    rule: str
    pictures: list[np.ndarray]
    made: np.ndarray | None
    middle: np.ndarray
    maps: list["Maps"]

    @property
    def volumes(self) -> np.ndarray:
        """Of the inputs of several slices, by the rule."""
        return np.array([reduce_scores(p, self.rule) for p in self.pictures if len(p) > 1], float)

    @property
    def auroc(self) -> Interval | None:
        """Of made anomalies against the same slices without; None for fewer than two inputs."""
        if self.made is None or len(self.made) < 2:
            return None
        labels = np.repeat([0, 1], len(self.made))
        return delong_interval(labels, np.concatenate([self.middle, self.made]))

    def record(self, false_positive_rate: float) -> dict[str, Any]:
        """As a saved model keeps it: sorted scores, thresholds, the figure on made anomalies."""
        levels = {"pictures": np.concatenate(self.pictures), "volumes": self.volumes}
        kept: dict[str, Any] = {"folds": self.folds, "rule": self.rule, "inputs": len(self.pictures)}
        for name, scores in levels.items():
            kept[name] = {"scores": sorted(scores.tolist())}
            if len(scores):
                found = support_threshold(scores, false_positive_rate)
                kept[name] |= {"threshold": found.threshold, "false_positive_rate": found.false_positive_rate}
        kept["made_anomalies"] = None if self.auroc is None else self.auroc._asdict()
        return kept


def leave_out(
    support: Support,
    *,
    fit: Callable[[np.ndarray], Detector],
    folds: int,
    rule: str = "max",
    seed: int = 0,
    batch_size: int = BATCH,
) -> LeftOut:
    """Fit on all folds but one, score that one, for each fold.

    Parameters
    ----------
    support : Support
    fit : callable
        Fits a new model on images.
    folds : int
        See :func:`fusionmedclip.pipeline.left_out.left_out_scores`.
    rule : str
        See :func:`fusionmedclip.data.reading.recombine.reduce_scores`.
    seed : int
        Keys the anomalies that are made.
    batch_size : int
        Images scored at a time.
    """
    count = len(support)
    pictures: list[np.ndarray] = [np.empty(0)] * count
    middle, made = np.empty(count), np.empty(count)
    maps: list[Maps] = []
    anomalies = _anomalies(support, seed)

    def score(model: Detector, positions: np.ndarray) -> np.ndarray:
        for p in positions:
            found = score_slices(model, support.slices[p], batch_size)
            pictures[p] = found.scores
            maps.extend(Maps.of(found))
            middle[p] = pictures[p][support.middle(p)]
            if anomalies is not None:
                made[p] = score_slices(model, anomalies.draw(0, int(p))[0][None], batch_size).scores[0]
        return middle[positions]

    left_out_scores(count, folds, fit=lambda rows: fit(support.images(rows)), score=score)
    return LeftOut(min(folds, count), rule, pictures, made if anomalies is not None else None, middle, maps)


def _anomalies(support: Support, seed: int) -> AnomalyStream | None:
    """Anomalies in the middle slices, the same for every method; None at sizes at which none are made."""
    middles = np.stack([slices[support.middle(p)] for p, slices in enumerate(support.slices)])
    try:
        return AnomalyStream(middles, SynthesisSettings().anomalous(), seed=key(seed, "left out"))
    except InputError:
        return None

"""The best epoch on the test set, as some papers report it: computed on request, and never a result."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from fusionmedclip.metrics import PixelCounts, image_auroc

__all__ = ["Oracle", "Scored"]


class Scored(NamedTuple):
    """Scores of the test set.

    Attributes
    ----------
    table : DataFrame
        ``image_id``, ``label``, ``score``.
    counts : PixelCounts
    examples : dict
        ``rows`` and float16 ``maps`` of the images drawn for the figures.
    """

    table: pd.DataFrame
    counts: PixelCounts
    examples: dict[str, np.ndarray]


class Oracle:
    """Looks at the test set every n epochs and keeps the scores of the epoch with the best image AUROC.

    What it keeps chose itself by the test labels. It shows how far such a choice flatters a method, and
    nothing else; it cannot steer the training.

    Parameters
    ----------
    every : int
        Epochs between two looks; the last epoch is always one.
    score : callable
        Returns :class:`Scored` for the model as it is now.
    """

    def __init__(self, every: int, score: Callable[[], Scored]):
        self.every, self._score = every, score
        self.seen: dict[int, float] = {}
        self.best: Scored | None = None
        self.epoch = 0

    def look(self, epoch: int, _model: Any = None) -> None:
        """Visit an epoch, counted from 1."""
        if epoch % self.every == 0 and epoch not in self.seen:
            self._keep(epoch, self._score())

    def last(self, epoch: int, scored: Scored) -> Scored:
        """Take the last epoch's scores into account; the best of all comes back, the earliest of equals."""
        if epoch not in self.seen:
            self._keep(epoch, scored)
        return cast(Scored, self.best)

    def record(self) -> dict[str, Any]:
        """What is kept in the provenance: looks, their image AUROC and the epoch chosen."""
        looks = [{"epoch": epoch, "image_auroc": value} for epoch, value in sorted(self.seen.items())]
        return {"chosen_on": "test set", "every": self.every, "epoch": self.epoch, "looks": looks}

    def _keep(self, epoch: int, scored: Scored) -> None:
        value = image_auroc(scored.table["label"].to_numpy(), scored.table["score"].to_numpy())
        if not self.seen or value > max(self.seen.values()):
            self.best, self.epoch = scored, epoch
        self.seen[epoch] = value

"""The thesis's synthetic anomalies (section 3.4) for baselines that learn from made ones (section 4.3)."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from fusionmedclip.randomness import key
from fusionmedclip.synthesis import AnomalyStream, SynthesisSettings

__all__ = ["MadeAnomalies"]


class MadeAnomalies:
    """Draws of our synthesis stream on a support set, each of them anomalous.

    Parameters
    ----------
    images : (k, S, S) float32 array
        Normal images in [0, 1], at the size at which the baseline sees them.
    settings : SynthesisSettings
        Odds and ranges; the organ profile among them is the data set's, as for our own method.
    seed : int
        Of the run.
    purpose : str
        Keys the draws, beside the seed: the baseline's name.

    Attributes
    ----------
    families : list of str
        Families of anomalies, in order of names.

    Notes
    -----
    A draw is a function of (seed, purpose, step, row) alone. Identity has no place here, since the baseline
    sees normal images anyway; the odds among the other families are kept.
    """

    def __init__(self, images: np.ndarray, settings: SynthesisSettings, *, seed: int, purpose: str):
        mixture = settings.anomalous()
        self.families = list(mixture.families)
        self._mixed = AnomalyStream(images, mixture, seed=key(seed, purpose, "made anomalies"))
        self._apart = {
            name: AnomalyStream(
                images,
                replace(mixture, families={name: tasks}, family_odds=None),
                seed=key(seed, purpose, "made anomalies", name),
            )
            for name, tasks in mixture.families.items()
        }

    def of_family(self, family: str, step: int, row: int) -> np.ndarray:
        """(S, S) image: the support image of this row with an anomaly of one family."""
        return self._apart[family].draw(step, row)[0]

    def batch(self, step: int, rows: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Anomalies of any family on the support images of some rows.

        Returns
        -------
        images : (B, S, S) float32 array
        masks : (B, S, S) bool array
            None of them empty.
        """
        return self._mixed.batch(step, rows)

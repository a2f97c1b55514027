"""Normal inputs that a model is fitted on: which, and which of their slices."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusionmedclip.data.problems import Problems
from fusionmedclip.lab.inputs import NO_IMAGE, Input, find_inputs

__all__ = ["Support", "support_inputs"]


@dataclass(frozen=True)
class Support:
    """Normal inputs at the working size.

    Attributes
    ----------
    slices : list of (n, S, S) or (n, S, S, 3) float32 arrays
        All slices of each input; one of a picture.
    most : int
        Slices of a volume that a model is fitted on, evenly spaced; 0: all of them.
    """

    slices: list[np.ndarray]
    most: int = 0

    def __len__(self) -> int:
        return len(self.slices)

    def drawn(self, position: int) -> np.ndarray:
        """Numbers of the slices of an input that a model is fitted on."""
        count = len(self.slices[position])
        most = min(count, self.most or count)
        return ((np.arange(most) + 0.5) * count / most).astype(int)

    def images(self, positions: np.ndarray) -> np.ndarray:
        """What a model is fitted on, of some inputs."""
        return np.concatenate([self.slices[p][self.drawn(p)] for p in positions])

    def middle(self, position: int) -> int:
        """Number of the one slice that stands for an input."""
        drawn = self.drawn(position)
        return int(drawn[(len(drawn) - 1) // 2])


def support_inputs(paths: Sequence[Path], *, mask_suffix: str | None = None) -> list[Input]:
    """Normal inputs to fit on: everything that is meant to be an image must be one.

    Raises
    ------
    InputError
        Naming all files that cannot be used, among them those named like masks.
    """
    found = find_inputs(paths, mask_suffix=mask_suffix)
    problems = Problems()
    for lost in found.skipped:
        if not lost.reason.startswith(NO_IMAGE):
            problems.add(f"{lost.file}: {lost.reason}")
    problems.raise_if_any("not all of it can be fitted on")
    return found.inputs

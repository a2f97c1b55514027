"""Normal inputs that a model is fitted on: which, and which of their slices."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fusionmedclip.data.problems import Problems
from fusionmedclip.data.reading.images import load_images
from fusionmedclip.lab.inputs import NO_IMAGE, Input, find_inputs
from fusionmedclip.lab.reading import read_input
from fusionmedclip.lab.recipe import Recipe

__all__ = ["Support", "read_support", "support_inputs"]


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

    def counts(self) -> dict[str, int]:
        """Inputs, volumes among them, and images that a model is fitted on."""
        volumes = sum(len(slices) > 1 for slices in self.slices)
        images = sum(len(self.drawn(position)) for position in range(len(self)))
        return {"inputs": len(self), "volumes": volumes, "images": images}

    def middle(self, position: int) -> int:
        """Number of the one slice that stands for an input."""
        drawn = self.drawn(position)
        return int(drawn[(len(drawn) - 1) // 2])


def read_support(
    X: Any, y: Any, recipe: Recipe, *, most: int = 0, luma: bool = False
) -> tuple[Support, list[Path]]:
    """Read what a model is fitted on.

    Parameters
    ----------
    X : path, sequence of paths or Input, or array
        See :meth:`fusionmedclip.lab.AnomalyDetector.fit`.
    y : (N,) array or None
        0: normal; others are left out.
    recipe : Recipe
        Says size and form.
    most : int
        See :class:`Support`.
    luma : bool
        See :func:`fusionmedclip.lab.reading.read_input`.

    Returns
    -------
    support : Support
    files : list of Path
        All that were read.
    """
    kept = None if y is None else np.flatnonzero(np.asarray(y) == 0)
    X = [X] if isinstance(X, str | Path) else X
    size, form = recipe.image_size, recipe.images
    if not all(isinstance(item, str | Path | Input) for item in X):
        images = load_images(X, size, form=form)
        return Support([image[None] for image in (images if kept is None else images[kept])]), []
    given = [item for item in X if isinstance(item, Input)] or support_inputs(list(map(Path, X)))
    inputs = given if kept is None else [given[row] for row in kept]
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda one: read_input(one, size, form=form, luma=luma).working, inputs)
        return Support(list(found), most), [file for one in inputs for file in one.files]


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

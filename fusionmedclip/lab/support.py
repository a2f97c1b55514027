"""Normal inputs that a model is fitted on: which, and which of their slices."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from fusionmedclip.data.labels import normal_rows
from fusionmedclip.data.problems import Problems
from fusionmedclip.data.reading.images import load_images
from fusionmedclip.data.reading.settings import ImageSettings
from fusionmedclip.errors import InputError, visible
from fusionmedclip.lab.given import check_pictures, images_given, refuse_volume
from fusionmedclip.lab.inputs import NO_IMAGE, PICTURE, Input, find_inputs
from fusionmedclip.lab.reading import BLANK, read_input
from fusionmedclip.lab.recipe import Recipe

__all__ = ["Support", "pictures_given", "read_support", "support_inputs"]


@dataclass(frozen=True)
class Support:
    """Normal inputs at the working size.

    Attributes
    ----------
    slices : list of (n, S, S) or (n, S, S, 3) float32 arrays
        All slices of each input; one of a picture.
    most : int
        Slices of a volume that a model is fitted on, evenly spaced; 0: all of them.
    notes : tuple of str
        What has to be known of its inputs, with their places.
    places : tuple of str
        Where each input comes from.
    """

    slices: list[np.ndarray]
    most: int = 0
    notes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    def places_by_pixels(self) -> dict[bytes, str]:
        """Digest of each input's pixels, and its place."""
        return {_digest(one): place for one, place in zip(self.slices, self.places, strict=True)}

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

    def counts(self) -> dict[str, Any]:
        """Inputs, volumes among them, images that a model is fitted on, and notes."""
        volumes = sum(len(slices) > 1 for slices in self.slices)
        images = sum(len(self.drawn(position)) for position in range(len(self)))
        return {"inputs": len(self), "volumes": volumes, "images": images, "notes": self.notes}

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
    X = images_given(X)
    if not len(X):
        raise InputError("no normal image to fit on", received=X, allowed="paths, or an array (N, H, W)")
    size, form = recipe.image_size, recipe.images
    if not all(isinstance(item, str | Path | Input) for item in X):
        images, rows = load_images(X, size, form=form), normal_rows(y, len(X))
        check_pictures(X, luma=luma or form.colour)
        notes = [f"images[{row}]: {BLANK}" for row in rows if np.ptp(images[row]) == 0]
        slices, places, copies = _once(
            [images[row][None] for row in rows], [f"images[{row}]" for row in rows]
        )
        return Support(slices, notes=(*notes, *copies), places=places), []
    given = [item for item in X if isinstance(item, Input)] or support_inputs(list(map(Path, X)))
    inputs = [given[row] for row in normal_rows(y, len(given))]
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda one: _read(one, size, form=form, luma=luma), inputs))
    notes = [f"{one.place}: {note}" for one, (_, said) in zip(inputs, found, strict=True) for note in said]
    slices, places, copies = _once([slices for slices, _ in found], [str(one.place) for one in inputs])
    support = Support(slices, most, (*notes, *copies), places)
    return support, [file for one in inputs for file in one.files]


def _once(
    slices: Sequence[np.ndarray], names: Sequence[str]
) -> tuple[list[np.ndarray], tuple[str, ...], list[str]]:
    """Inputs, and places, without those of the same pixels as one before; and a note of each of these.

    Left out, an image would still be fitted on.
    """
    firsts: dict[bytes, str] = {}
    kept, notes = [], []
    for one, name in zip(slices, names, strict=True):
        first = firsts.setdefault(_digest(one), name)
        if first is name:
            kept.append(one)
        else:
            notes.append(f"{name}: the same pixels as {first}, counted once")
    return kept, tuple(firsts.values()), notes


def _digest(slices: np.ndarray) -> bytes:
    return sha256(repr(slices.shape).encode() + slices.tobytes()).digest()


def _read(given: Input, size: int, *, form: ImageSettings, luma: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    """Slices at the working size, and notes: what was read at its own size is let go at once."""
    read = read_input(given, size, form=form, luma=luma)
    return read.working, read.notes


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
            problems.add(visible(f"{lost.file}: {lost.reason}"))
    problems.raise_if_any("not all of it can be used")
    return found.inputs


def pictures_given(X: Any) -> Any:
    """Pictures that are a row each: arrays and files as they are, in place of a folder all below it.

    Raises
    ------
    InputError
        For a folder with anything that is meant to be an image and is no single picture.
    """
    X = images_given(X)
    if isinstance(X, np.ndarray):
        return X
    return [one for item in X for one in (_pictures_below(Path(item)) if _is_folder(item) else [item])]


def _is_folder(item: Any) -> bool:
    return isinstance(item, str | Path) and Path(item).is_dir()


def _pictures_below(folder: Path) -> list[Path]:
    found = support_inputs([folder])
    for one in found:
        refuse_volume(one.files[0])
        if one.kind != PICTURE:
            raise InputError(
                f"{one.place}: a {one.kind} of several slices, and one row cannot stand for them",
                hint="score all of them: fusionmedclip.lab.score_inputs",
            )
    return [one.files[0] for one in found]

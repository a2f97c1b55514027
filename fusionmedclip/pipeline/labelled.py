"""Labelled images of other data sets, without the one that is tested and whatever of it lies in them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.data.curation.duplicates import find_duplicates
from fusionmedclip.data.curation.fingerprints import Fingerprints, fingerprint
from fusionmedclip.data.groups import linked
from fusionmedclip.data.sources.manifest import read_manifest
from fusionmedclip.errors import InputError
from fusionmedclip.luma import as_grey
from fusionmedclip.models.detector import LabelledSet

__all__ = ["labelled_sets"]


def labelled_sets(
    meta: Sequence[Path], *, tested: Path, tested_images: Path, colour: bool = False
) -> tuple[dict[str, LabelledSet], dict[str, int]]:
    """Pool and test images of each other data set, with labels and masks.

    Of the tested data set nothing is handed on. Its images are compared with the others', and what is the
    same file, or nearly the same picture, mirrored, turned by a right angle or inverted as well, is left out
    of these, whatever its label (:func:`fusionmedclip.data.curation.duplicates.find_duplicates`, at its
    default thresholds). A part of a picture, and one that is turned by another angle, are not found.

    Parameters
    ----------
    meta : sequence of Path
        Manifest, images, split and masks of one after the other.
    tested, tested_images : Path
        Manifest and images of the data set that is tested.
    colour : bool
        Whether images stay in colour where they are.

    Returns
    -------
    sets : dict of data set name to LabelledSet
    left_out : dict of data set name to int
        How many images of each are the tested data set's.

    Raises
    ------
    InputError
        If the tested data set is among the others, under its own name or another: as a data set of which
        every image is one of the tested.
    """
    own = tested.parent.name
    fours = list(zip(*(meta[place::4] for place in range(4)), strict=True))
    if any(manifest.resolve() == tested.resolve() or manifest.parent.name == own for manifest, *_ in fours):
        raise _tested_among(own, own)
    references = list(_Looked.ways(tested, tested_images, _turned))
    sets, left_out = {}, {}
    for manifest, images, split, masks in fours:
        name = manifest.parent.name
        looked = _Looked.at(manifest, images)
        parts = pd.read_csv(split, keep_default_na=False, dtype={"image_id": str}).set_index("image_id")[
            "part"
        ]
        used = parts[looked.manifest["image_id"]].isin(["pool", "test"]).to_numpy()
        same = np.logical_or.reduce([looked.also_in(reference) for reference in references])
        rows = np.flatnonzero(used & ~same)
        if used.any() and not len(rows):
            raise _tested_among(own, name)
        pictures = np.array(np.load(images, mmap_mode="r")[rows])
        sets[name] = LabelledSet(
            pictures if colour or pictures.ndim == 3 else as_grey(pictures),
            looked.manifest["label"].to_numpy(np.int64)[rows],
            np.array(np.load(masks, mmap_mode="r")[rows]),
        )
        left_out[name] = int((used & same).sum())
    return sets, left_out


def _tested_among(tested: str, name: str) -> InputError:
    return InputError(
        "a method would learn from the labels of the data set that it is tested on",
        received=tested if name == tested else f"{name}, whose images are all those of {tested}",
        allowed="the other data sets of the configuration",
    )


def _turned(picture: np.ndarray) -> Iterator[np.ndarray]:
    """A square picture as it is, mirrored, turned by right angles, and each of these inverted."""
    for flipped in (picture, picture[:, ::-1]):
        for turns in range(4):
            yield (turned := np.rot90(flipped, turns))
            yield 1 - turned


class _Looked:
    """A manifest and the fingerprints of its images."""

    def __init__(self, manifest: pd.DataFrame, fingerprints: Fingerprints):
        self.manifest, self.fingerprints = manifest, fingerprints

    @classmethod
    def at(cls, manifest: Path, images: Path) -> "_Looked":
        """Of prepared images, at their working size."""
        return next(cls.ways(manifest, images, lambda picture: [picture]))

    @classmethod
    def ways(
        cls, manifest: Path, images: Path, looks: Callable[[np.ndarray], Iterable[np.ndarray]]
    ) -> Iterator["_Looked"]:
        """The same images, each in one of several looks."""
        pictures = np.load(images, mmap_mode="r")
        made = [[fingerprint(way) for way in looks(as_grey(np.array(one)[None])[0])] for one in pictures]
        table = read_manifest(manifest)
        for way in zip(*made, strict=True):
            hashes, thumbnails = zip(*way, strict=True)
            yield cls(table, Fingerprints(np.array(hashes, np.uint64), np.stack(thumbnails)))

    def also_in(self, other: "_Looked") -> np.ndarray:
        """(N,) whether an image is one of the other manifest's, or nearly."""
        sides = enumerate((self.manifest, other.manifest))
        tables = [table.assign(file=f"{side}/" + table["file"]) for side, table in sides]
        # Positions for names: two data sets may name images alike. No groups: in these likeness is natural.
        both = pd.concat(tables, ignore_index=True)
        both = both.assign(image_id=np.arange(len(both)), group="")
        seen = (self.fingerprints, other.fingerprints)
        hashes, thumbnails = ([getattr(one, name) for one in seen] for name in ("hashes", "thumbnails"))
        pairs = find_duplicates(both, Fingerprints(np.concatenate(hashes), np.concatenate(thumbnails)))
        alike = linked(len(both), pairs[["first", "second"]].to_numpy())
        own = len(self.manifest)
        return np.isin(alike[:own], alike[own:])

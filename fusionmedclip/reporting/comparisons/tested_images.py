"""What is known of the images behind a table: how many there are, who is drawn, who is tested twice over."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fusionmedclip.data.curation.leaks import find_leaks
from fusionmedclip.data.sources.manifest import read_manifest
from fusionmedclip.metrics import image_auroc
from fusionmedclip.reporting.finished import Scored

__all__ = ["Duplicates", "Images", "duplicates_of", "images_of"]


@dataclass(frozen=True, kw_only=True)
class Images:
    """The images of one data set under one split.

    Attributes
    ----------
    normal, abnormal : int
        That there are.
    pool : int
        Normals that support sets are drawn from.
    like_support : mapping
        (k, seed) to the test images with a near-duplicate in that support set. Empty where near-duplicates
        never straddle the two (split ``grouped``).
    """

    normal: int
    abnormal: int
    pool: int
    like_support: Mapping[tuple[int, int], frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Test images of a cell's runs that resemble a support image, one entry a seed.

    Attributes
    ----------
    counts : list of int
    aurocs : list of float
        Image AUROC without them; one less where they are all of a class.
    """

    counts: list[int]
    aurocs: list[float]


def images_of(
    *,
    manifests: Iterable[str | Path],
    splits: Iterable[str | Path],
    supports: Iterable[str | Path] = (),
    duplicates: Iterable[str | Path] = (),
) -> dict[str, Images]:
    """Data set to what is known of its images.

    Parameters
    ----------
    manifests, splits, duplicates : iterable of paths
        ``datasets/{dataset}/manifest.csv``, ``split_{split}.csv``, ``duplicates.csv``.
    supports : iterable of paths
        ``support/{dataset}/{split}/k{k}_seed{seed}.csv``.
    """
    marked = {Path(path).parent.name: Path(path) for path in duplicates}
    listed = {Path(path).parent.name: Path(path) for path in manifests}
    drawn: dict[str, dict[tuple[int, int], Path]] = {}
    for path in map(Path, supports):
        k, seed = path.stem.removeprefix("k").split("_seed")
        drawn.setdefault(path.parent.parent.name, {})[int(k), int(seed)] = path
    found = {}
    for path in map(Path, splits):
        dataset = path.parent.name
        labels = _column(listed[dataset], "label")
        like = {}
        if dataset in marked:
            like = _like_support(listed[dataset], path, marked[dataset], drawn.get(dataset, {}))
        found[dataset] = Images(
            normal=labels.count("0"),
            abnormal=labels.count("1"),
            pool=_column(path, "part").count("pool"),
            like_support=like,
        )
    return found


def _column(path: Path, name: str) -> list[str]:
    with path.open(newline="") as file:
        return [row[name] for row in csv.DictReader(file)]


def _like_support(
    manifest: Path, split: Path, duplicates: Path, supports: Mapping[tuple[int, int], Path]
) -> dict[tuple[int, int], frozenset[str]]:
    import pandas as pd

    def read(path: Path) -> pd.DataFrame:
        return pd.read_csv(path, keep_default_na=False, dtype=str)

    marked, parts = read_manifest(manifest), read(split)
    marked["duplicate"] = read(duplicates)["duplicate"].to_numpy()
    return {
        drawn: frozenset(find_leaks(marked, parts, read(path))["test"]) for drawn, path in supports.items()
    }


def duplicates_of(images: Images, scored: Scored, *, k: int, seeds: Sequence[int]) -> Duplicates | None:
    """How many of a cell's test images resemble a support image, and its image AUROC without them.

    Parameters
    ----------
    images : Images
    scored : Scored
        Of the cell's runs, a row of scores for each seed.
    k, seeds
        Of the runs.

    Returns
    -------
    Duplicates or None
        None where nothing is known of some support set.
    """
    if not all((k, seed) in images.like_support for seed in seeds):
        return None
    counts, aurocs = [], []
    for seed, scores in zip(seeds, scored.scores, strict=True):
        other = ~np.isin(scored.images, sorted(images.like_support[k, seed]))
        counts.append(int((~other).sum()))
        if len(set(scored.labels[other])) == 2:
            aurocs.append(image_auroc(scored.labels[other], scores[other]))
    return Duplicates(counts=counts, aurocs=aurocs)

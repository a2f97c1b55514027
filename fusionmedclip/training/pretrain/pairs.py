"""Which image-caption pairs train, which validate, and the numbers of their captions and labels."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator
from fusionmedclip.training.pretrain.texts import number_captions

__all__ = ["Pairs", "Split", "split_pairs"]


@dataclass(frozen=True)
class Split:
    """The pairs of one split.

    Attributes
    ----------
    files : list of str
    captions : (N,) int64 array
        Numbers among :attr:`Pairs.texts`.
    labels : (N,) int64 array
        Numbers among :attr:`Pairs.labels`, -1 where an image has none.
    """

    files: list[str]
    captions: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.files)


@dataclass(frozen=True)
class Pairs:
    """All pairs.

    Attributes
    ----------
    splits : dict of str to Split
        ``train``, ``validation`` and, where there is one, ``test``.
    texts : list of str
        The different captions.
    labels : list of str
        The different labels, sorted; empty without labels.
    digest : str
        SHA-256 of ids, captions, labels and splits.
    """

    splits: dict[str, Split]
    texts: list[str]
    labels: list[str]
    digest: str


def split_pairs(table: pd.DataFrame, *, validation_share: float, seed: int) -> Pairs:
    """Number captions and labels; take a validation split from the training pairs if there is none.

    Raises
    ------
    InputError
        If there are no training pairs.
    """
    missing = [name for name in ("split", "image_id", "file", "caption") if name not in table]
    if missing:
        raise InputError("captions lack columns", received=list(table.columns), allowed=", ".join(missing))
    split = table["split"].to_numpy(dtype=object).copy()
    train = np.flatnonzero(split == "train")
    if len(train) < 2:
        raise InputError("captions hold no training pairs", received=sorted(set(split)), allowed="train")
    if not (split == "validation").any():
        order = generator(seed, "pretrain validation share").permutation(train)
        split[order[: max(1, round(validation_share * len(train)))]] = "validation"
    texts, numbers = number_captions(table["caption"].tolist())
    names = table["label"].fillna("").astype(str).to_numpy() if "label" in table else np.full(len(table), "")
    labels = sorted(set(names) - {""})
    classes = np.array([labels.index(name) if name else -1 for name in names], dtype=np.int64)
    splits = {}
    for name in ("train", "validation", "test"):
        rows = np.flatnonzero(split == name)
        if len(rows):
            splits[name] = Split(table["file"].iloc[rows].tolist(), numbers[rows], classes[rows])
    kept = [*zip(split, table["image_id"], table["caption"], names, strict=True)]
    return Pairs(splits, texts, labels, hashlib.sha256(repr(kept).encode()).hexdigest())

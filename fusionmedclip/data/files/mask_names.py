"""Masks that lie among the images, known by their names."""

import re
from collections.abc import Iterable
from pathlib import Path

from fusionmedclip.data.files.kinds import stem_of

__all__ = ["DEFAULT_SUFFIX", "is_mask_folder", "is_mask_word", "mask_owners"]

DEFAULT_SUFFIX = "_mask"
"""BUSI's: ``X_mask.png``, ``X_mask_1.png`` beside ``X.png``."""

_WORDS = r"masks?|seg|segm|segmentations?|labels?|gt|ground[_ -]?truth|annotations?|roi|lesions?|contours?"
_AFTER = re.compile(rf"(.+?)(?P<suffix>[ _.-]?(?:{_WORDS}))(?:[ _.-]?\d+)?", re.IGNORECASE)
_BEFORE = re.compile(rf"(?P<suffix>(?:{_WORDS})[ _.-])(.+)", re.IGNORECASE)
_FOLDER = re.compile(rf"(?:{_WORDS})(?:tr|ts)?", re.IGNORECASE)


def mask_owners(paths: Iterable[Path], *, suffix: str | None = None) -> dict[Path, tuple[Path, str]]:
    """Files named as the mask of a file beside them, with that file and the word that says so.

    ``X_mask.png``, ``X_seg.png``, ``X-gt_2.png`` and ``mask_X.png`` beside ``X.png`` or ``X.jpg``; with
    ``suffix`` what ends in that only.
    """
    after = _AFTER if suffix is None else re.compile(rf"(.+)(?P<suffix>{re.escape(suffix)})(?:_\d+)?")
    paths = list(paths)
    known = {path.parent / stem_of(path): path for path in reversed(paths)}
    owners = {}
    for path in paths:
        stem = stem_of(path)
        for match in (after.fullmatch(stem), None if suffix is not None else _BEFORE.fullmatch(stem)):
            if match is None:
                continue
            suffix = match["suffix"]
            owner = known.get(path.parent / (match[2] if match.re is _BEFORE else match[1]))
            if owner is not None and owner != path:
                owners[path] = owner, suffix
                break
    return owners


def is_mask_folder(name: str) -> bool:
    """Whether a folder is called as if it held masks: ``masks``, ``labelsTr``, ``ground_truth``."""
    return _FOLDER.fullmatch(name) is not None


def is_mask_word(word: str) -> bool:
    """Whether a word of :func:`mask_owners` can mean nothing else (a ``_roi`` may be a crop, an image)."""
    return re.search(r"mask|seg|truth|gt", word, re.IGNORECASE) is not None

"""Masks that lie among the images, known by their names."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from fusionmedclip.data.files.kinds import stem_of

__all__ = ["DEFAULT_SUFFIX", "is_mask_folder", "is_mask_word", "looks_like_mask", "mask_owners", "place_of"]

DEFAULT_SUFFIX = "_mask"
"""BUSI's: ``X_mask.png``, ``X_mask_1.png`` beside ``X.png``."""

_WORDS = r"masks?|seg|segm|segmentations?|labels?|gt|ground[_ -]?truth|annotations?|roi|lesions?|contours?"
_AFTER = re.compile(rf"(.+?)(?P<suffix>[ _.-]?(?:{_WORDS}))(?:[ _.-]?\d+)?", re.IGNORECASE)
_BEFORE = re.compile(rf"(?P<suffix>(?:{_WORDS})[ _.-])(.+)", re.IGNORECASE)
_FOLDER = re.compile(rf"(?:{_WORDS})(?:tr|ts)?", re.IGNORECASE)
_PLAIN = r"masks?|seg|segm|segmentations?|gt|ground[_ -]?truth|manual"
"""Words that mean nothing else: a ``_roi`` may be a crop, a ``lesion`` a class."""
_NAMED = re.compile(rf"(?:.+[ _.-])?(?:{_PLAIN})[ _.-]?\d*|(?:{_PLAIN})[ _.-].+", re.IGNORECASE)


def place_of(path: Path, stem: str | None = None) -> Path:
    """A file's path without its suffix, by which images and masks find each other.

    An accented letter is one character or two (NFC, NFD) as the system that wrote the name had it.
    """
    return path.parent / unicodedata.normalize("NFC", stem_of(path) if stem is None else stem)


def mask_owners(paths: Iterable[Path], *, suffix: str | None = None) -> dict[Path, tuple[Path, str]]:
    """Files named as the mask of a file beside them, with that file and the word that says so.

    ``X_mask.png``, ``X_seg.png``, ``X-gt_2.png`` and ``mask_X.png`` beside ``X.png`` or ``X.jpg``; with
    ``suffix`` what ends in that only.
    """
    after = _AFTER if suffix is None else re.compile(rf"(.+)(?P<suffix>{re.escape(suffix)})(?:_\d+)?")
    paths = list(paths)
    known = {place_of(path): path for path in reversed(paths)}
    owners = {}
    for path in paths:
        stem = stem_of(path)
        for match in (after.fullmatch(stem), None if suffix is not None else _BEFORE.fullmatch(stem)):
            if match is None:
                continue
            suffix = match["suffix"]
            owner = known.get(place_of(path, match[2] if match.re is _BEFORE else match[1]))
            if owner is not None and owner != path:
                owners[path] = owner, suffix
                break
    return owners


def looks_like_mask(path: Path) -> bool:
    """Whether a name says mask, whatever lies beside it: ``P1_seg`` (of ``P1_flair``), ``segmentation-0``."""
    return _NAMED.fullmatch(stem_of(path)) is not None


def is_mask_folder(name: str) -> bool:
    """Whether a folder is called as if it held masks: ``masks``, ``labelsTr``, ``leftMask``."""
    return _FOLDER.fullmatch(name) is not None or is_mask_word(name)


def is_mask_word(word: str) -> bool:
    """Whether a word of :func:`mask_owners`, or a folder's name, can mean nothing but a mask."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).strip(" _.-")
    return _NAMED.fullmatch(apart) is not None

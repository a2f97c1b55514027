"""Captioned images: ROCO (both versions) and plain CSV files as one table, checked before any training."""

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track

from fusionmedclip.data.reading.read import read_image
from fusionmedclip.data.sources.caption_layouts import SPLITS
from fusionmedclip.data.sources.kinds import CAPTION_LAYOUTS, reader
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading
from fusionmedclip.outputs import whole_file

__all__ = ["SPLITS", "CaptionSource", "read_captions", "write_captions"]

_CHECKS = ("decode", "exists", "none")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CaptionSource:
    """Where captioned images come from.

    Attributes
    ----------
    kind : str
        ``roco``: ``{train,validation,test}/radiology/`` with ``traindata.csv``, ``valdata.csv`` or
        ``testdata.csv`` (id, name, caption) or ``captions.txt`` (id, tab, caption), and ``images/``.
        ``rocov2``: ``{train,valid,test}_captions.csv`` (ID, Caption) and ``{train,valid,test}_images/``.
        ``csv``: a table with the columns ``image`` and ``caption``; ``split``, ``image_id`` and ``label``
        where there are such. Paths in it are relative to the table.
    path : str
        The folder, or the table.
    max_broken_share : float
        Missing and broken images are skipped up to this share of all rows; beyond it is an error.
    check : str
        ``decode`` reads every image, which also finds truncated ones; ``exists`` looks for the file;
        ``none`` trusts the table.
    limit : int or None
        Keep this many rows of each split, evenly spread over it.
    workers : int
        Threads that read images for the check.
    """

    kind: str
    path: str
    max_broken_share: float = 0.01
    check: str = "decode"
    limit: int | None = None
    workers: int = 4

    def __post_init__(self):
        if self.kind not in CAPTION_LAYOUTS:
            raise InputError("captions kind", received=self.kind, allowed=", ".join(CAPTION_LAYOUTS))
        if self.check not in _CHECKS:
            raise InputError("captions check", received=self.check, allowed=", ".join(_CHECKS))
        if not 0 <= self.max_broken_share <= 1:
            raise InputError("captions max_broken_share", received=self.max_broken_share, allowed="0 to 1")
        if self.limit is not None and self.limit < 1:
            raise InputError("captions limit", received=self.limit, allowed="a whole number from 1, or null")
        if self.workers < 1:
            raise InputError("captions workers", received=self.workers, allowed="a whole number from 1")


def read_captions(source: CaptionSource | Mapping[str, Any]) -> pd.DataFrame:
    """Read image-caption pairs.

    Captions lose surrounding and repeated white space; rows without a caption are dropped.

    Parameters
    ----------
    source : CaptionSource or mapping
        A mapping has the keys of :class:`CaptionSource`.

    Returns
    -------
    DataFrame
        Columns ``split`` (train, validation, test), ``image_id``, ``file`` (absolute path), ``caption`` and,
        where the table has it, ``label``. ``attrs["skipped"]`` lists what was left out, as mappings with
        ``split``, ``image_id``, ``file`` and ``reason``.

    Raises
    ------
    InputError
        If a file or column is missing, no row is left, or too many images are missing or broken.
    """
    source = source if isinstance(source, CaptionSource) else _source(source)
    with reading(source.path, "captions"):
        return _read(source)


def _read(source: CaptionSource) -> pd.DataFrame:
    table = reader(CAPTION_LAYOUTS[source.kind])(Path(source.path))
    table["caption"] = table["caption"].map(lambda text: " ".join(str(text).split()))
    total, empty = len(table), table["caption"] == ""
    skipped = _listing(table[empty], ["empty caption"] * int(empty.sum()))
    table = _spread(table[~empty], source.limit)
    reasons = _reasons(table, source)
    broken = np.array([reason is not None for reason in reasons], bool)
    lost = _listing(table[broken], [reason for reason in reasons if reason is not None])
    _refuse_if_too_many(lost, len(table), source)
    table = table[~broken].reset_index(drop=True)
    if table.empty:
        raise InputError("no image-caption pair is left", received=f"{total} rows in {source.path}")
    if lost or skipped:
        _log.warning("captions: %d images skipped, %d empty captions dropped", len(lost), len(skipped))
    table.attrs["skipped"] = skipped + lost
    return table


def write_captions(table: pd.DataFrame, path: Path) -> None:
    """Write a table that ``read_captions({"kind": "csv", "path": path, "check": "none"})`` reads back."""
    with whole_file(path) as temporary:
        table.rename(columns={"file": "image"}).to_csv(temporary, index=False, lineterminator="\n")


def _source(settings: Mapping[str, Any]) -> CaptionSource:
    names = [field.name for field in fields(CaptionSource)]
    for name in settings:
        if name not in names:
            raise InputError("no such setting of captions", received=name, allowed=", ".join(names))
    for name in ("kind", "path"):
        if name not in settings:
            raise InputError(f"captions {name} is missing", received=dict(settings))
    return CaptionSource(**settings)


def _spread(table: pd.DataFrame, limit: int | None) -> pd.DataFrame:
    if limit is None:
        return table
    position = table.groupby("split").cumcount()
    size = table.groupby("split")["split"].transform("size")
    # Row p of n is kept where p * limit / n passes a whole number: exactly min(limit, n) rows, evenly spread.
    before, after = position * limit // size, (position + 1) * limit // size
    return table[(after > before) | (size <= limit)]


def _reasons(table: pd.DataFrame, source: CaptionSource) -> list[str | None]:
    if source.check == "none":
        return [None] * len(table)
    if source.check == "exists":
        return [None if Path(file).is_file() else "no such file" for file in table["file"]]
    console = Console(stderr=True)
    with ThreadPoolExecutor(source.workers) as pool:
        results = pool.map(_why_unreadable, table["file"])
        hide, title = not console.is_terminal, "checking images"
        return list(track(results, title, total=len(table), console=console, transient=True, disable=hide))


def _why_unreadable(file: str) -> str | None:
    try:
        read_image(file)
    except InputError as error:
        return str(error).splitlines()[0]
    return None


def _listing(rows: pd.DataFrame, reasons: list[str]) -> list[dict[str, str]]:
    kept = rows[["split", "image_id", "file"]].assign(reason=reasons)
    return kept.to_dict("records")


def _refuse_if_too_many(lost: list[dict[str, str]], total: int, source: CaptionSource) -> None:
    if len(lost) <= source.max_broken_share * total:
        return
    shown = "; ".join(row["reason"] for row in lost[:3])
    raise InputError(
        f"too many captioned images are missing or broken ({shown}{'; ...' if len(lost) > 3 else ''})",
        received=f"{len(lost)} of {total}",
        allowed=f"{source.max_broken_share:.1%} of them",
        hint="complete the download, correct `path`, or raise captions max_broken_share",
    )

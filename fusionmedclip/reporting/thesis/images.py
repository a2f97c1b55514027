"""Whether images and captions on disk are the thesis's: by shipped checksums, or by what is known."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from fusionmedclip.data.acquisition.checksums import shipped_checksums
from fusionmedclip.data.files.mask_names import DEFAULT_SUFFIX
from fusionmedclip.reporting.thesis.paper import PAIRS, THESIS_COUNTS, THESIS_LISTS
from fusionmedclip.reporting.thesis.protocol import protocol

__all__ = ["caption_notes", "caption_reasons", "image_notes", "image_reasons"]

_FEWEST_PAIRS = 0.95
"""Of ROCO's pairs: some of its articles are withdrawn, and their images can no longer be fetched."""

Rows = Sequence[Mapping[str, str]]
"""Lines of a manifest."""


def image_reasons(dataset: str, manifests: Sequence[str | Path]) -> list[str]:
    """What differs from the thesis in the images of a data set.

    Their numbers first; then every image's label and SHA-256, where checksums of the public set ship with
    the package. Images by published lists are known by the numbers of these alone (:func:`image_notes`).

    Parameters
    ----------
    dataset : str
    manifests : sequence of paths
        ``{dataset}/manifest.csv``.

    Returns
    -------
    list of str
        Empty where nothing differs, where nothing is known, and where the data set's manifest is not given.
    """
    rows = _rows_of(dataset, manifests)
    if not rows:
        return []
    listed = _listed(rows)
    found = _count_reasons(dataset, rows)
    if listed:
        return found or _list_reasons(dataset, listed)
    extra = _unknown(dataset, rows)
    if extra and not found:
        found = [f"images: {extra} of {len(rows)} are not the public set's"]
    return found


def image_notes(dataset: str, manifests: Sequence[str | Path], *, title: str) -> list[str]:
    """What cannot be said of the images of a data set that passes for the thesis's.

    Parameters
    ----------
    dataset, manifests
        As in :func:`image_reasons`.
    title : str
        Of the data set.
    """
    rows = _rows_of(dataset, manifests)
    if dataset not in protocol().data["datasets"] or not rows:
        return []
    if _listed(rows):
        extra = _unknown(dataset, rows)
        same = (
            ""
            if extra is None
            else f", and {len(rows) - extra} of {len(rows)} are the public set's to the byte"
        )
        return [
            f"{title}: the images of published lists. Of MediCLIP's no checksum is known, so that others of "
            f"as many images pass for them{same}."
        ]
    if _public(dataset) is None:
        return [
            f"{title}: the thesis does not say which images it drew, and no checksum of the set is known. "
            "The settings that draw them are compared, the images are not."
        ]
    return []


def caption_reasons(record: Mapping[str, Any]) -> list[str]:
    """What differs in the captions behind a run, by their number; of other captions the settings say it.

    Parameters
    ----------
    record : mapping
        Its metrics file.
    """
    if not _on_roco(record):
        return []
    pairs = _pairs(record)
    if _FEWEST_PAIRS * PAIRS <= pairs <= PAIRS:
        return []
    return [f"captions: {pairs:,} pairs instead of {PAIRS:,}"]


def caption_notes(record: Mapping[str, Any]) -> list[str]:
    """What cannot be said of the captions behind a run; parameter as in :func:`caption_reasons`."""
    if not _on_roco(record):
        return []
    return [
        f"ROCO is known by the number of its pairs alone: {_pairs(record):,} of the {PAIRS:,} published, "
        "some of whose articles are withdrawn. The thesis gives no number."
    ]


def _on_roco(record: Mapping[str, Any]) -> bool:
    backbone = record.get("settings", {}).get("backbone") or {}
    return bool(backbone.get("stage1")) and backbone["captions"]["kind"] == "roco"


def _pairs(record: Mapping[str, Any]) -> int:
    return sum(record.get("stage1", {}).get("pairs", {}).values())


def _rows_of(dataset: str, manifests: Sequence[str | Path]) -> Rows:
    found = [Path(path) for path in manifests if Path(path).parent.name == dataset]
    return _rows(found[0], found[0].stat().st_mtime_ns) if found else ()


@cache
def _rows(manifest: Path, _stamp: int) -> Rows:
    with manifest.open(newline="", encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


def _count_reasons(dataset: str, rows: Rows) -> list[str]:
    labels = [row["label"] for row in rows]
    counts, wanted = (labels.count("0"), labels.count("1")), THESIS_COUNTS.get(dataset, ())
    if not wanted or counts in wanted:
        return []
    known = " or ".join(f"{normal} and {abnormal}" for normal, abnormal in wanted)
    return [f"images: {counts[0]} normal and {counts[1]} abnormal instead of {known}"]


def _listed(rows: Rows) -> Counter[tuple[str, str]]:
    """Part and label of images by published lists, counted; a folder's own images have no part."""
    return Counter((row["split"], row["label"]) for row in rows if row["split"])


def _list_reasons(dataset: str, listed: Counter[tuple[str, str]]) -> list[str]:
    wanted = THESIS_LISTS.get(dataset)
    found = (listed["support", "0"], listed["test", "0"], listed["test", "1"])
    if wanted is None or all(known in (None, count) for known, count in zip(wanted, found, strict=True)):
        return []
    ours, published = (
        "{} support, {} normal and {} abnormal test images".format(*n) for n in (found, wanted)
    )
    return [f"lists: {ours} instead of {published}"]


def _unknown(dataset: str, rows: Rows) -> int | None:
    """Images that the public set does not have under that label; None where its checksums are not known."""
    public = _public(dataset)
    return None if public is None else (Counter((r["label"], r["sha256"]) for r in rows) - public).total()


@cache
def _public(dataset: str) -> Counter[tuple[str, str]] | None:
    """Label and SHA-256 of the public set's images, as the package ships them."""
    entry = protocol().data["datasets"].get(dataset, {})
    name, source = entry.get("acquire", {}).get("checksums"), entry.get("source")
    if name is None:
        return None
    labels = {**dict.fromkeys(source["normal"], "0"), **dict.fromkeys(source["abnormal"], "1")}
    paths = {PurePosixPath(path): sha for path, sha in shipped_checksums(name).items()}
    images = {path: sha for path, sha in paths.items() if DEFAULT_SUFFIX not in path.stem}
    return Counter((labels[path.parts[0]], sha) for path, sha in images.items())

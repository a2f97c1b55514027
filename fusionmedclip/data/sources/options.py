"""Keys that every kind of source understands: a published split, groups from names, slices of volumes."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fusionmedclip.data.files.kinds import NIBABEL_SUFFIXES, kind_of, with_slice
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.data.sources.records import Listing, Record
from fusionmedclip.data.sources.samples import apply_samples
from fusionmedclip.errors import InputError

__all__ = ["COMMON_KEYS", "apply_options"]

COMMON_KEYS = ("read", "slices", "group_pattern", "samples")

_STACKS = (".tif", ".tiff", ".gif", ".webp")  # pictures that can hold several frames


def apply_options(listing: Listing, source: Mapping) -> None:
    """Apply ``samples``, ``group_pattern`` and ``slices`` to the records of a listing, in place.

    ``samples`` is a published split, see :func:`~fusionmedclip.data.sources.samples.apply_samples`.
    ``group_pattern`` is a regular expression; what its first group (or all of it) matches in the file's
    relative path names the patient. ``slices`` is ``"middle"`` (one picture a volume, the default),
    ``"all"``, or a number of slices evenly spread over each volume.
    """
    apply_samples(listing, source)
    if source.get("group_pattern"):
        _group_by_pattern(listing, str(source["group_pattern"]))
    slices = source.get("slices", "middle")
    whole = isinstance(slices, int) and not isinstance(slices, bool) and slices >= 1
    if slices not in ("middle", "all") and not whole:
        raise InputError("unknown `slices`", received=slices, allowed='"middle", "all" or a number from 1')
    if slices != "middle":
        settings = ReadSettings.from_config(source.get("read"))
        records = list(listing.records)
        listing.records.clear()
        for record in records:
            listing.records.extend(_expand(record, listing, slices, settings))


def _group_by_pattern(listing: Listing, text: str) -> None:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise InputError(f"`group_pattern` is no regular expression ({error})", received=text) from error
    for index, record in enumerate(listing.records):
        match = pattern.search(record.file)
        if match is None:
            path = listing.root / record.file
            listing.problems.add(InputError(f"{path}: `group_pattern` does not match", received=text))
        else:
            listing.records[index] = replace(record, group=match[1] if pattern.groups else match[0])


def _expand(record: Record, listing: Listing, slices: str | int, settings: ReadSettings) -> list[Record]:
    """One record a slice; slices of a volume stay together."""
    try:
        count = _count(record.file, listing, settings)
    except InputError as error:
        listing.problems.add(error)
        return []
    if count == 1:
        return [record]
    wanted = range(count) if slices == "all" or int(slices) >= count else _spread(count, int(slices))
    return [
        replace(
            record,
            file=with_slice(record.file, index),
            masks=tuple(with_slice(mask, index) for mask in record.masks),
            group=record.group or record.file,
        )
        for index in wanted
    ]


def _count(file: str, listing: Listing, settings: ReadSettings) -> int:
    path = listing.root / file
    name = file.lower()
    if kind_of(path) == "raster" and not name.endswith(_STACKS + NIBABEL_SUFFIXES):
        return 1
    from fusionmedclip.data.reading.volumes import slice_count  # pydicom and nibabel take long to import

    return slice_count(path, settings=settings)


def _spread(count: int, wanted: int) -> list[int]:
    """``wanted`` slices at equal distances, the ends left out."""
    return sorted({round(place) for place in np.linspace(0, count - 1, wanted + 2)[1:-1]})

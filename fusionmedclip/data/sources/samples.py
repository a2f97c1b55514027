"""A published split as a source's own: which images are drawn as support, which are tested."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fusionmedclip.data.sources.keys import source_root
from fusionmedclip.data.sources.records import Listing
from fusionmedclip.data.sources.sample_lists import Sample, read_samples
from fusionmedclip.data.sources.sample_matching import Matcher
from fusionmedclip.errors import InputError

__all__ = ["NOT_LISTED", "apply_samples", "published_images", "sample_files"]

NOT_LISTED = "not listed"
"""Split of an image that the published lists leave out."""

_LISTS = ("support", "test")


def sample_files(source: Mapping) -> dict[str, Path]:
    """The lists of a source by part, ``support`` and ``test``; empty where it names none."""
    wanted = source.get("samples") or {}
    return {part: source_root(source) / str(wanted[part]) for part in _LISTS if part in wanted}


def published_images(source: Mapping) -> Path:
    """Folder of the images as published of a source that names lists: by default ``images`` beside theirs."""
    if "images" in source["samples"]:
        return source_root(source) / source["samples"]["images"]
    return next(iter(sample_files(source).values())).parent.parent / "images"


def apply_samples(listing: Listing, source: Mapping) -> None:
    """Mark the records of a listing as the source's ``samples`` say, in place.

    Parameters
    ----------
    listing : Listing
        Its records get the split ``support``, ``test`` or :data:`NOT_LISTED`, and a published mask where
        they have none of their own. What is wrong with the lists is added to its problems.
    source : mapping
        ``samples``: ``support`` and ``test``, the lists, and ``images``, the folder of the images as
        published (default: ``images`` beside the lists' folder), through which images of other names are
        known by their bytes. All relative to the source's root.

    Raises
    ------
    InputError
        For unknown keys, a missing list, or a table that has a split of its own.
    """
    wanted = source.get("samples")
    if wanted is None:
        return
    _check_keys(wanted, listing)
    files = sample_files(source)
    samples = [sample for part in _LISTS for sample in read_samples(files[part], part, listing.problems)]
    found = Matcher(listing, published_images(source)).match(samples)
    for index, record in enumerate(listing.records):
        sample, prefix = found.get(index, (None, None))
        if sample is None:
            listing.records[index] = replace(record, split=NOT_LISTED)
            continue
        masks = record.masks or _masks(sample, prefix, listing)
        listing.records[index] = replace(record, split=sample.part, masks=masks)


def _check_keys(wanted: Mapping, listing: Listing) -> None:
    allowed = (*_LISTS, "images")
    if not isinstance(wanted, Mapping) or not set(_LISTS) <= set(wanted) <= set(allowed):
        raise InputError("`samples` of a source names two lists", received=wanted, allowed=", ".join(allowed))
    own = next((record.file for record in listing.records if record.split), None)
    if own is not None:
        raise InputError("a source with `samples` cannot have a split of its own", received=own)


def _masks(sample: Sample, prefix: str | None, listing: Listing) -> tuple[str, ...]:
    """The published mask of an image that was found under its published name."""
    if not sample.mask or prefix is None:
        return ()
    mask = f"{prefix}{sample.mask}"
    if not (listing.root / mask).is_file():
        listing.problems.add(f"{sample.line}: no such mask {listing.root / mask}")
        return ()
    return (mask,)

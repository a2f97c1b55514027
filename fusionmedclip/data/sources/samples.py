"""A published split as a source's own: which images are drawn as support, which are tested.

The form is that of MediCLIP's archives, which hold ``samples/train.json`` and ``samples/test.json``: a line
of JSON an image, ``{"filename": "test/abnormal/image_97.jpg", "label": 1}``, with ``"mask"`` where there is
an outline.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from fusionmedclip.data.problems import Problems
from fusionmedclip.data.sources.keys import source_root
from fusionmedclip.data.sources.records import Listing
from fusionmedclip.data.sources.sample_matching import Matcher
from fusionmedclip.errors import InputError

__all__ = ["NOT_LISTED", "Sample", "apply_samples", "read_samples", "sample_files"]

NOT_LISTED = "not listed"
"""Split of an image that the published lists leave out."""

_LISTS = ("support", "test")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One line of a published list.

    Attributes
    ----------
    file, mask : str
        As published, with forward slashes; the mask is empty where there is none.
    label : int
        0 normal, 1 abnormal.
    part : str
        ``support`` or ``test``.
    line : str
        List and number of the line, for messages.
    """

    file: str
    label: int
    part: str
    line: str
    mask: str = ""


def sample_files(source: Mapping) -> dict[str, Path]:
    """The lists of a source by part, ``support`` and ``test``; empty where it names none."""
    wanted = source.get("samples") or {}
    return {part: source_root(source) / str(wanted[part]) for part in _LISTS if part in wanted}


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
    default = files["support"].parent.parent / "images"
    published = source_root(source) / wanted["images"] if "images" in wanted else default
    found = Matcher(listing, published).match(samples)
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


def read_samples(path: Path, part: str, problems: Problems) -> list[Sample]:
    """Read one list; lines that cannot be used become problems.

    Parameters
    ----------
    path : Path
    part : {"support", "test"}
        Support images must be normal, and may leave out their label.
    problems : Problems

    Raises
    ------
    InputError
        If there is no such file, or it is not text.
    """
    hint = "docs/data.md says where the published split comes from"
    if not path.is_file():
        raise InputError(f"{path}: no such list of {part} images", hint=hint)
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text", hint=hint) from error
    samples: list[Sample] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                samples.append(_sample(line, part, f"{path}, line {number}"))
            except InputError as error:
                problems.add(error)
    if not samples:
        problems.add(InputError(f"{path}: lists no {part} image", hint=hint))
    return samples


def _sample(line: str, part: str, where: str) -> Sample:
    shape = '{"filename": "test/abnormal/image_97.jpg", "label": 1}'
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON", received=line[:80], allowed=shape) from error
    if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
        raise InputError(f"{where}: no `filename`", received=line[:80], allowed=shape)
    label = entry.get("label", 0 if part == "support" else None)
    allowed = {"support": (0,), "test": (0, 1)}[part]
    if label not in allowed:
        kinds = "0 (normal), or none" if part == "support" else "0 (normal) or 1 (abnormal)"
        raise InputError(f"{where}: `label` of a {part} image", received=label, allowed=kinds)
    mask = entry.get("mask") or ""
    if not isinstance(mask, str):
        raise InputError(f"{where}: `mask` is no file name", received=mask)
    return Sample(
        file=_relative(entry["filename"], where),
        label=int(label),
        part=part,
        line=where,
        mask=_relative(mask, where) if mask else "",
    )


def _relative(name: str, where: str) -> str:
    """A name with forward slashes that stays below the folder that it is relative to."""
    path = PurePosixPath(unicodedata.normalize("NFC", name.replace("\\", "/")))
    if not path.name or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise InputError(f"{where}: not a file below the folder of the images", received=name)
    return path.as_posix()


def _masks(sample: Sample, prefix: str | None, listing: Listing) -> tuple[str, ...]:
    """The published mask of an image that was found under its published name."""
    if not sample.mask or prefix is None:
        return ()
    mask = f"{prefix}{sample.mask}"
    if not (listing.root / mask).is_file():
        listing.problems.add(f"{sample.line}: no such mask {listing.root / mask}")
        return ()
    return (mask,)

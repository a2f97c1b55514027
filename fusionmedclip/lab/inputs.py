"""What a command was given to score: pictures, volumes and series, and what was passed over, with reasons."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fusionmedclip.data.files.folders import data_files, is_utf8
from fusionmedclip.data.files.kinds import is_header, is_image_file, stem_of
from fusionmedclip.data.files.mask_names import DEFAULT_SUFFIX, looks_like_mask, mask_owners
from fusionmedclip.data.files.unread_formats import unread_format
from fusionmedclip.data.problems import Problem, Problems
from fusionmedclip.errors import InputError, as_utf8
from fusionmedclip.lab.grouping import PICTURE, SERIES, VOLUME, Group, grouped, one_line
from fusionmedclip.lab.writers.writer import Skipped

__all__ = ["NO_IMAGE", "PICTURE", "SERIES", "VOLUME", "Found", "Input", "find_inputs", "one_line"]

_UNSAFE = re.compile(r"[^\w.+-]+")
NO_IMAGE = "no image"
"""How the reasons begin of files that were not meant to be one."""
_STRAY = f"{NO_IMAGE}: left by a file manager, a network drive or an archiver, or a DICOM medium's index"
_LONGEST = 150  # bytes of a name, to which a suffix is added


@dataclass(frozen=True)
class Input:
    """One thing to be scored.

    Attributes
    ----------
    files : tuple of Path
        One, or those of a series.
    place : Path
        What it is called: its file, or the folder of its series.
    name : str
        Unique among the inputs, safe as a file's stem on any system.
    kind : {"picture", "volume", "series"}
        By its headers; a TIFF of several pages counts as a picture until it is read.
    notes : tuple of str
        What has to be known of it beside its score.
    """

    files: tuple[Path, ...]
    place: Path
    name: str
    kind: str
    notes: tuple[str, ...] = ()


class Found(NamedTuple):
    """What there is to score, in order, and what there is besides."""

    inputs: list[Input]
    skipped: list[Skipped]


def find_inputs(paths: Sequence[Path], *, mask_suffix: str | None = None) -> Found:
    """Find everything that can be scored: files as they were given, folders with all that lies below them.

    DICOM slices of one folder that share series, size and orientation, and say where in the patient they
    lie, are one volume; so is a DICOM of several frames, and a NIfTI file.

    Parameters
    ----------
    paths : sequence of Path
    mask_suffix : str, optional
        ``"_seg"``: ``X_seg.png`` beside ``X.png`` is its mask, no image and not worth a word. Without it
        ``_mask`` is known, and other names of masks are skipped with a reason. ``""``: all are images.

    Raises
    ------
    InputError
        When a path does not exist, or nothing among all of them can be scored.
    """
    skipped: list[Skipped] = []
    files: list[tuple[Path, Path]] = []  # with what names are relative to
    for path in paths:
        if not is_utf8(str(path)):
            raise InputError(f"{path}: a name that is not UTF-8", hint="rename it, and try again")
        if path.is_dir():
            files += [(file, path) for file in _images_below(path, skipped, mask_suffix)]
        elif path.is_file():
            files.append((path, path.parent))
        else:
            raise InputError(f"{path}: no such file or folder")
    inputs = _named(grouped(_once(files, skipped), skipped))
    if not inputs:
        raise InputError(
            "no image found",
            received=[str(path) for path in paths],
            hint="; ".join(f"{Path(lost.file).name}: {lost.reason}" for lost in skipped[:3]),
        )
    return Found(inputs, skipped)


def _images_below(folder: Path, skipped: list[Skipped], mask_suffix: str | None) -> list[Path]:
    problems, strays = Problems(), []  # type: ignore[var-annotated]
    images = []
    for path in data_files(folder, problems, strays=strays):
        try:
            image = is_image_file(path)
        except (InputError, OSError) as error:
            skipped.append(Skipped(str(path), one_line(error, path)))
            continue
        if image:
            images.append(path)
        elif not is_header(path):
            form = unread_format(path)
            why = f"{form} is not read" if form else f"{NO_IMAGE}, by its name and its first bytes"
            skipped.append(Skipped(str(path), why))
    skipped += [Skipped(str(path), _STRAY) for path in strays]
    skipped += [_lost(problem, folder) for problem in problems.found]
    return _without_masks(images, skipped, mask_suffix)


def _lost(problem: Problem, folder: Path) -> Skipped:
    file = problem.file or folder
    return Skipped(as_utf8(str(file)), one_line(problem.message, file))


def _without_masks(images: list[Path], skipped: list[Skipped], mask_suffix: str | None) -> list[Path]:
    known = DEFAULT_SUFFIX if mask_suffix is None else mask_suffix
    owners = mask_owners(images, suffix=mask_suffix)
    kept = []
    for path in images:
        owner, word = owners.get(path, (None, ""))
        if owner is not None and word == known:
            continue
        if mask_suffix is None and (owner is not None or looks_like_mask(path)):
            of = f"as the mask of {owner.name}" if owner else "like a mask"
            skipped.append(Skipped(str(path), f"named {of}; --mask-suffix '' takes it for an image"))
        else:
            kept.append(path)
    return kept


def _once(files: list[tuple[Path, Path]], skipped: list[Skipped]) -> list[tuple[Path, Path]]:
    """One file counts once, whatever paths and links lead to it."""
    known: dict[str, Path] = {}
    kept = []
    for file, base in files:
        first = known.setdefault(os.path.realpath(file), file)
        if first is file:
            kept.append((file, base))
        else:
            skipped.append(Skipped(str(file), f"the same file as {first}, which is taken"))
    return kept


def _named(found: list[Group]) -> list[Input]:
    """Names from paths below what was given; those that would meet are numbered in their order."""
    taken: set[str] = set()
    inputs = []
    for place, base, kind, files, notes in found:
        below = os.path.relpath(place, base) if place != base else place.resolve().name
        stem = below if place.is_dir() else str(Path(below).with_name(stem_of(Path(below))))
        name = _UNSAFE.sub("_", stem.replace(os.sep, "__")).lstrip("._+-").rstrip("._") or "image"
        name = plain = name.encode()[:_LONGEST].decode(errors="ignore")
        number = 1
        while name.lower() in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name.lower())
        inputs.append(Input(tuple(files), place, name, kind, notes))
    return inputs

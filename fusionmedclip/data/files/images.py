"""The images that a command or a call was given: files, and folders of files."""

import os
from collections.abc import Sequence
from pathlib import Path

from fusionmedclip.data.files.folders import data_files, is_utf8
from fusionmedclip.data.files.kinds import is_image_file
from fusionmedclip.data.files.mask_names import DEFAULT_SUFFIX, looks_like_mask, mask_owners
from fusionmedclip.data.files.unread_formats import READ_FORMATS, unread_format
from fusionmedclip.data.problems import Problems
from fusionmedclip.errors import InputError
from fusionmedclip.outputs import are_scores

__all__ = ["image_files"]


def image_files(paths: Sequence[Path], *, mask_suffix: str | None = None) -> list[Path]:
    """List images as they were given, those of a folder in order of name.

    Of a folder (its sub-folders are not searched) everything that is no image is passed over, and so are the
    masks of its images.

    Parameters
    ----------
    paths : sequence of Path
    mask_suffix : str, optional
        ``"_seg"``: ``X_seg.png`` is the mask of ``X.png`` beside it. Without it ``_mask`` is known, and other
        names that look like masks are refused. ``""``: all of them are images.

    Raises
    ------
    InputError
        When a path does not exist, a file is given twice, a folder holds no images, or some of its images
        cannot be used: links that lead nowhere, formats that are not read, names that are not UTF-8, files
        named like masks.
    """
    files: list[Path] = []
    for path in paths:
        if not is_utf8(str(path)):
            raise InputError(f"{path}: a name that is not UTF-8", hint="rename it, and try again")
        if path.is_dir():
            files += _images_of(path, mask_suffix)
        elif path.is_file():
            files.append(path)
        else:
            raise InputError(f"{path}: no such file or folder")
    if not files:
        raise InputError("no images given", received=[str(path) for path in paths])
    _refuse_twice(files)
    return files


def _refuse_twice(files: Sequence[Path]) -> None:
    """One file counts once, whatever paths and links lead to it."""
    known: dict[str, Path] = {}
    for file in files:
        first = known.setdefault(os.path.realpath(file), file)
        if first is not file:
            raise InputError(f"{file}: given twice", received=str(first), hint="give each image once")


def _images_of(folder: Path, mask_suffix: str | None) -> list[Path]:
    problems = Problems()
    images: list[Path] = []
    others: list[Path] = []
    for path in data_files(folder, problems, below=False):
        (images if is_image_file(path) else others).append(path)
    for path in others:
        form = unread_format(path)
        if form and not are_scores(path):
            problems.add(InputError(f"{path}: {form} is not read", allowed=READ_FORMATS))
    known = DEFAULT_SUFFIX if mask_suffix is None else mask_suffix
    owners = mask_owners(images, suffix=mask_suffix)
    for path, (image, word) in owners.items():
        if word == known:
            images.remove(path)
        elif mask_suffix is None:
            hint = f"name masks by a suffix of theirs ({word!r}), or give the images one by one"
            problems.add(InputError(f"{path}: named as the mask of {image.name}", hint=hint))
    for path in images if mask_suffix is None else ():
        if path not in owners and looks_like_mask(path):
            hint = "take masks out, or give the images one by one"
            problems.add(InputError(f"{path}: named like a mask", hint=hint))
    problems.raise_if_any(str(folder))
    if not images:
        raise InputError(f"{folder}: no image files in this folder", hint="sub-folders are not searched here")
    return images

"""Which entries of a folder are data: one rule for sources, commands, digests and archives."""

import os
from collections.abc import Iterator
from pathlib import Path

from fusionmedclip.data.problems import Problems
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reason
from fusionmedclip.shortages import remedy

__all__ = ["below", "data_files", "is_stray", "is_utf8"]

_STRAY = (
    "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "$recycle.bin",
    "system volume information", "@eadir", "lost+found", "dicomdir",
)  # fmt: skip
"""What file managers, network drives and archivers leave behind, and a DICOM medium's index."""


def below(folder: Path, name: str, *, what: str) -> Path:
    """The place of a configured name in a folder.

    Raises
    ------
    InputError
        If the name leads out of the folder: an absolute path, ``..``, or a link to elsewhere.
    """
    place = folder / name
    inside = place.resolve().is_relative_to(folder.resolve()) and ".." not in Path(name).parts
    if not inside or Path(name).is_absolute():
        raise InputError(f"{what}: leads out of {folder}", received=name, allowed="a relative path below it")
    return place


def is_stray(name: str) -> bool:
    """Whether a file or folder of this name is no data: hidden (``._x``, ``.DS_Store``) or a system's."""
    return name.startswith(".") or name.lower() in _STRAY


def data_files(
    folder: Path,
    problems: Problems | None = None,
    *,
    below: bool = True,
    strays: list[Path] | None = None,
) -> list[Path]:
    """Files of a folder in order of their paths; links to files and to folders are followed.

    Parameters
    ----------
    folder : Path
    problems : Problems, optional
        Takes what would vanish otherwise: links that lead nowhere, folders that cannot be listed, names that
        are not UTF-8. Without it these are raised together.
    below : bool
        Also the files of sub-folders.
    strays : list of Path, optional
        Takes what is passed over (:func:`is_stray`), a folder as one.

    Raises
    ------
    InputError
        Where ``problems`` is not given and there are any.
    """
    found = Problems()
    passed: list[Path] = [] if strays is None else strays
    files = sorted(_walk(folder, found, below=below, above=(), strays=passed))
    if problems is None:
        found.raise_if_any(f"{folder}: not all of it can be used")
    else:
        problems.extend(found)
    return files


def _walk(
    folder: Path, problems: Problems, *, below: bool, above: tuple, strays: list[Path]
) -> Iterator[Path]:
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        why = f"{folder}: a folder that cannot be listed ({reason(error)})"
        problems.add(InputError(why, hint=remedy(error)), file=folder)
        return
    here = (status.st_dev, status.st_ino)
    if here in above:
        return  # a link back to a folder above: all of it is seen already
    for entry in entries:
        path = folder / entry.name
        if is_stray(entry.name):
            strays.append(path)
            continue
        try:
            there = path.exists()
        except OSError as error:  # a folder whose names may be read, and nothing of what they name
            why = f"{path}: cannot be looked at ({reason(error)})"
            problems.add(InputError(why, hint=remedy(error)), file=path)
            continue
        if not there:
            _report_link(path, problems)
        elif not is_utf8(entry.name):
            hint = "rename it, for example with `convmv -f latin1 -t utf8 --notest`, and try again"
            received = os.fsencode(entry.name)
            why = f"{path}: a name that is not UTF-8"
            problems.add(InputError(why, received=received, hint=hint), file=path)
        elif entry.is_dir():
            if below:
                yield from _walk(path, problems, below=True, above=(*above, here), strays=strays)
        elif entry.is_file():
            yield path
        else:
            problems.add(InputError(f"{path}: neither a file nor a folder", hint="take it out"), file=path)


def _report_link(path: Path, problems: Problems) -> None:
    hint = "get the file that it stands for (`git annex get`, `datalad get`), or take the link out"
    try:
        target = os.readlink(path)
    except OSError as error:
        problems.add(InputError(f"{path}: cannot be opened ({reason(error)})"), file=path)
        return
    why = f"{path}: a link to a file that is not there"
    problems.add(InputError(why, received=target, hint=hint), file=path)


def is_utf8(name: str) -> bool:
    """Whether it is text: names of other encodings reach Python as lone surrogates, which no table has."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True

"""Outputs: places checked before hours of work are lost on them, files written whole or not at all."""

import contextlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from errno import EDQUOT, EEXIST, ENOSPC, ENOTEMPTY
from pathlib import Path

from fusionmedclip.errors import InputError
from fusionmedclip.guard import reason
from fusionmedclip.shortages import remedy
from fusionmedclip.turns import alone_beside

__all__ = [
    "SCORE_COLUMNS",
    "UNFINISHED",
    "are_scores",
    "check_writable",
    "hidden_beside",
    "no_formula",
    "own_file",
    "remove_attempts",
    "remove_unfinished",
    "whole_file",
    "whole_folder",
]

UNFINISHED = ".part"
"""How the name of a hidden file or folder ends that is being written, or was when its process was killed."""
_TOKEN = rf"(\.[0-9a-f]{{8}}{re.escape(UNFINISHED)})+"
"""Behind the final name; twice where one that was given such a name has asked for another beside it."""

SCORE_COLUMNS = ("file", "slice", "score", "percentile", "flag", "model", "rests_on", "notes")
"""Of the CSV that ``predict`` writes."""
EARLIER_COLUMNS = ("image,score", "file,slice,score,percentile,flag,model,rests_on")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With which spreadsheets begin a formula (OWASP, "CSV Injection")."""


def no_formula(path: str) -> str:
    """The same path in a form that no spreadsheet takes for a formula: ``./=1+1.png``."""
    return f"./{path}" if path.startswith(_FORMULA) else path


def check_writable(path: Path) -> None:
    """Refuse a path where no file can be made, by making one in the nearest folder that is there.

    Raises
    ------
    InputError
        Naming the path and the system's reason.
    """
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    try:
        tempfile.TemporaryFile(dir=there).close()  # asked, since permissions alone do not tell
    except OSError as error:
        hint = remedy(error) if error.errno in (ENOSPC, EDQUOT) else "give a folder of your own"
        raise InputError(f"{path}: nothing can be written there ({reason(error)})", hint=hint) from error


def are_scores(path: Path) -> bool:
    """Whether a file is a CSV of scores that ``predict`` wrote, in this version or an earlier one."""
    try:
        with path.open("rb") as handle:
            first = handle.readline(100).strip().decode("ascii", "replace")
    except OSError:
        return False
    return first in (",".join(SCORE_COLUMNS), *EARLIER_COLUMNS)


def hidden_beside(path: Path) -> Path:
    """A name beside another that nobody else has, and by which :func:`remove_attempts` knows what is left."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{UNFINISHED}")


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary name beside ``path`` that becomes ``path`` only when the block succeeds.

    Examples
    --------
    >>> with whole_file("table.csv") as temporary:  # doctest: +SKIP
    ...     temporary.write_text("a,b")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = hidden_beside(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def own_file(path: str | os.PathLike) -> Iterator[Path]:
    """The same for one process after another, and without what a killed one has left of it."""
    path = Path(path)
    with alone_beside(path):
        remove_attempts(path)
        with whole_file(path) as temporary:
            yield temporary


@contextlib.contextmanager
def whole_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary folder that takes the place of ``path`` when the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = hidden_beside(path)
    temporary.mkdir()
    try:
        yield temporary
        _take_place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _take_place(whole: Path, path: Path) -> None:
    """Rename a folder; what stands there goes aside first, as often as others put theirs there meanwhile."""
    while True:
        aside = hidden_beside(path)
        with contextlib.suppress(FileNotFoundError):
            path.rename(aside)
        try:
            whole.rename(path)
            return
        except OSError as error:
            if error.errno not in (EEXIST, ENOTEMPTY):
                with contextlib.suppress(OSError):  # rather the one of before than none
                    aside.rename(path)
                raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def remove_unfinished(folder: Path) -> int:
    """Remove what is left half written below a folder in which nobody else writes; return how many."""
    found = [path for path in folder.rglob(f".*{UNFINISHED}") if re.fullmatch(rf"\..+{_TOKEN}", path.name)]
    return sum(map(_is_removed, found))


def remove_attempts(path: str | os.PathLike) -> int:
    """Remove what is left of earlier attempts at a file or folder, once nobody is at it; return how many."""
    path = Path(path)
    try:
        beside = list(path.parent.iterdir())
    except OSError:  # no folder, or one that is not to be looked into
        return 0
    of_it = re.compile(rf"\.+{re.escape(path.name)}{_TOKEN}")
    return sum(_is_removed(one) for one in beside if of_it.fullmatch(one.name))


def _is_removed(path: Path) -> bool:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):  # in a folder that is another's
            path.unlink()
    return not os.path.lexists(path)

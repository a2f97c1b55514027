"""Outputs: places checked before hours of work are lost on them, files written whole or not at all."""

import contextlib
import glob
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from fusionmedclip.errors import InputError
from fusionmedclip.guard import reason

__all__ = ["SCORE_COLUMNS", "are_scores", "check_outputs", "check_writable", "score_files", "whole_file"]

TABLE, MAPS = "scores.csv", "maps.npy"
SCORE_COLUMNS = ("image", "score")
"""Of the CSV that ``predict`` writes."""


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
        hint = "give a folder of your own"
        raise InputError(f"{path}: nothing can be written there ({reason(error)})", hint=hint) from error


def score_files(out: Path) -> tuple[Path, Path]:
    """Where scores and maps go: ``NAME.csv`` and ``NAME.npy``, or a folder's ``scores.csv`` and ``maps.npy``.

    Raises
    ------
    InputError
        If the name is neither a CSV's nor a folder's.
    """
    if out.is_dir() or not out.suffix:
        return out / TABLE, out / MAPS
    if out.suffix.lower() != ".csv":
        raise InputError(
            f"{out}: scores are written as CSV, maps beside them as .npy",
            received=out.suffix,
            allowed="a name that ends in .csv, or a folder",
        )
    return out, out.with_suffix(".npy")


def are_scores(path: Path) -> bool:
    """Whether a file is what ``predict`` wrote: a CSV of its columns, or the maps beside one."""
    if path.suffix.lower() == ".npy":
        stem = TABLE.removesuffix(".csv") if path.name == MAPS else path.stem
        return any(
            are_scores(other)
            for other in path.parent.glob(f"{glob.escape(stem)}.*")
            if other.suffix.lower() == ".csv"
        )
    try:
        with path.open("rb") as handle:
            return handle.readline(100).strip() == ",".join(SCORE_COLUMNS).encode()
    except OSError:
        return False


def check_outputs(outputs: Iterable[Path], *, inputs: Iterable[Path]) -> None:
    """Refuse outputs that would take the place of something else.

    They may take the place of an earlier result (see :func:`are_scores`), never of a file that only bears its
    name.

    Parameters
    ----------
    outputs : iterable of Path
        Files of scores and maps.
    inputs : iterable of Path
        Files and folders that the command reads.

    Raises
    ------
    InputError
        If an output is a folder or an input, lies among the files of an input folder, would overwrite a
        stranger, or cannot be written.
    """
    places = {path.resolve() for path in inputs}
    for path in outputs:
        if path.is_dir():
            raise InputError(f"{path}: a folder stands where a file would be written")
        if path.resolve() in places or path.resolve().parent in places:
            raise InputError(f"{path}: would be written among what is read", hint="give another place: --out")
        if path.exists() and not are_scores(path):
            columns = ",".join(SCORE_COLUMNS)
            what = (
                f"{path}: would be overwritten, and is no earlier result: no CSV that begins with {columns}"
            )
            raise InputError(what, hint="move it, or give another name: --out")
        check_writable(path.parent)


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
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

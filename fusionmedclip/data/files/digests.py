"""Files: digests, and writing without leaving halves behind."""

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from fusionmedclip.data.files.folders import data_files
from fusionmedclip.data.files.kinds import split_slice

__all__ = ["sha256_of", "sha256_of_image", "whole_file"]


def sha256_of(path: str | os.PathLike) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_of_image(path: str | os.PathLike) -> str:
    """Digest of what an image is read from: its file, or all files of a folder with their names.

    A slice of a volume (``#slice=12``) has the digest of the volume.
    """
    file, _ = split_slice(path)
    return _of_folder(file, file.stat().st_mtime_ns) if file.is_dir() else sha256_of(file)


@lru_cache(maxsize=4)  # slices of one series come in a row
def _of_folder(folder: Path, stamp: int) -> str:
    lines = [f"{sha256_of(item)}  {item.name}\n" for item in data_files(folder, below=False)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


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

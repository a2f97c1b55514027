"""Digests of what images are read from: files, or folders of slices."""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from fusionmedclip.data.files.folders import data_files
from fusionmedclip.data.files.kinds import split_slice
from fusionmedclip.provenance import file_sha256

__all__ = ["sha256_of_image"]


def sha256_of_image(path: str | os.PathLike) -> str:
    """Digest of what an image is read from: its file, or all files of a folder with their names.

    A slice of a volume (``#slice=12``) has the digest of the volume.
    """
    file, _ = split_slice(path)
    return _of_folder(file, file.stat().st_mtime_ns) if file.is_dir() else file_sha256(file)


@lru_cache(maxsize=4)  # slices of one series come in a row
def _of_folder(folder: Path, stamp: int) -> str:
    lines = [f"{file_sha256(item)}  {item.name}\n" for item in data_files(folder, below=False)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()

"""Files that lie outside of the workflow, at a glance: whether they are those of the last time.

Of images and checkpoints this is name, size and time, as ``make`` would have it, since a plan must not read
gigabytes; of tables and lists it is the bytes. What is missing or cannot be read is so in the digest, too:
the job that reads it says what is wrong.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.data.files.folders import data_files
from fusionmedclip.data.files.kinds import IMAGE_SUFFIXES
from fusionmedclip.data.problems import Problems
from fusionmedclip.data.sources.chexpert_files import ChexpertFiles
from fusionmedclip.data.sources.keys import source_root
from fusionmedclip.data.sources.samples import published_images, sample_files
from fusionmedclip.documents import read_text
from fusionmedclip.errors import InputError
from fusionmedclip.provenance import digest, file_sha256

__all__ = ["captions_digest", "checkpoint_digest", "source_digest"]

_CAPTION_TABLES = {
    "roco": ("*/radiology/*.csv", "*/radiology/*.txt", "all_data/*/radiology/*.*"),
    "rocov2": ("*.csv",),
    "csv": ("*.csv",),
}
"""Where the tables of a layout lie below its folder; of any other, everywhere."""
_FOLDERS = ("normal", "abnormal", "masks", "mask_folder")


def source_digest(source: Mapping[str, Any]) -> str:
    """Digest of a data set's files.

    Parameters
    ----------
    source : mapping
        As :func:`fusionmedclip.data.sources.registry.list_source` takes it. Of kind ``folder``: every file of
        the class folders and the mask folder. ``csv``: the table, and the files that it names. ``chexpert``:
        the tables alone, since looking at each of 224,316 images takes longer than a plan may. Any other:
        every file below its folder. In all kinds the lists of ``samples``, and the images as published.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    root = source_root(source)
    lists = sample_files(source)
    seen: list[Any] = [*map(_bytes, lists.values())]
    if lists:
        seen += _below(published_images(source))
    if source["kind"] == "folder":
        names = [source.get(key) or [] for key in _FOLDERS]
        for name in [name for part in names for name in ([part] if isinstance(part, str) else part)]:
            seen += _below(root / str(name))
    elif source["kind"] == "csv":
        table = Path(source["path"]).expanduser()
        seen.append(_bytes(table))
        seen += [item for name in _named(table) for item in _below(root / name)]
    elif source["kind"] == "chexpert" and root.is_dir():
        seen += [_bytes(path) for path in _chexpert_tables(root, source.get("tables") or ["train.csv"])]
    else:  # a kind that nobody has thought of here: all of it
        path = Path(source["path"]).expanduser()
        seen += [*([_bytes(path)] if path.is_file() else []), *_below(root)]
    return digest(seen)[:16]


def captions_digest(source: Mapping[str, Any]) -> str:
    """Digest of a caption set's tables, and of what else lies beside them that is no image."""
    path = Path(source["path"]).expanduser()
    tables = {path}
    if path.is_dir():
        patterns = _CAPTION_TABLES.get(source["kind"], ("**/*",))
        found = {file for pattern in (*patterns, "*.*") for file in path.glob(pattern) if file.is_file()}
        tables = {file for file in found if not file.name.lower().endswith(IMAGE_SUFFIXES)}
    return digest([_bytes(table) for table in sorted(tables)])[:16]


def checkpoint_digest(settings: Mapping[str, Any]) -> str:
    """Digest of the local files that a backbone is made from; of names that mean no file it is the same."""
    model = settings.get("model")
    named = [settings.get("pretrained"), model.removeprefix("local-dir:") if isinstance(model, str) else None]
    paths = [Path(name).expanduser() for name in named if isinstance(name, str)]
    return digest([item for path in paths if path.exists() for item in _below(path)])[:16]


def _below(path: Path) -> Iterator[tuple[str, int, int] | str]:
    """A file, or each file of a folder: name, size, and its time in seconds, which archives keep."""
    for file in data_files(path, Problems()) if path.is_dir() else [path]:
        try:
            found = file.stat()
        except OSError:
            yield "missing"
        else:
            yield file.relative_to(path).as_posix(), found.st_size, int(found.st_mtime)


def _bytes(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError:
        return "missing"


def _named(table: Path) -> Iterable[str]:
    """Images and masks that a table names; none of a table that is not as it should be."""
    try:
        rows = csv.DictReader(io.StringIO(read_text(table), newline=""), strict=True)
        cells = [row.get(key) or "" for row in rows for key in ("path", "mask")]
    except (OSError, InputError, csv.Error):
        return []
    return [name.strip().replace("\\", "/") for cell in cells for name in cell.split(";") if name.strip()]


def _chexpert_tables(root: Path, names: Iterable[str]) -> list[Path]:
    files = ChexpertFiles(root)
    found = []
    for name in names:
        try:
            found.append(files.table(name))
        except InputError:
            found.append(root / name)
    return found

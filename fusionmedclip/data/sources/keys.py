"""Checks that all kinds of source share."""

from collections.abc import Mapping
from pathlib import Path

from fusionmedclip.documents import QUOTES
from fusionmedclip.errors import InputError

__all__ = ["check_keys", "existing_path", "source_root", "string_list"]


def source_root(source: Mapping) -> Path:
    """Folder to which a manifest's files are relative: the folder itself, or the one that holds the table."""
    path = Path(source["path"]).expanduser()
    return path.parent if source["kind"] == "csv" or path.is_file() else path


def check_keys(source: Mapping, *, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    """Raise for a missing or an unknown key of a source."""
    allowed = ("kind", *required, *optional)
    for key in required:
        if source.get(key) in (None, "", []):
            raise InputError(f"a source of kind {source['kind']!r} needs `{key}`", received=dict(source))
    for key in source:
        if key not in allowed:
            raise InputError(f"unknown key `{key}` of a source", received=key, allowed=", ".join(allowed))


def existing_path(source: Mapping, *, folder: bool) -> Path:
    """The source's ``path``, which must exist as a folder or as a file."""
    path = Path(source["path"]).expanduser()
    if not (path.is_dir() if folder else path.is_file()):
        what = "folder" if folder else "file"
        hint = "set `path` of the data set; docs/data.md says where each set comes from"
        raise InputError(f"{path}: no such {what}", hint=hint)
    return path


def string_list(source: Mapping, key: str) -> list[str]:
    """A key that is a list of names, or one name."""
    value = source.get(key) or []
    names = [value] if isinstance(value, str) else list(value)
    if not all(isinstance(name, str) and name for name in names):
        raise InputError(f"`{key}` must be a list of names", received=value, hint=QUOTES)
    return names

"""Files of a data set gathered in a hidden folder, from which all of it takes its place at once.

Killed at any moment, a call leaves that folder, and the next one goes on with what is whole in it.
"""

import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from rich.console import Console

from fusionmedclip.data.acquisition.checksums import compare_or_record
from fusionmedclip.data.acquisition.fetch import fetch
from fusionmedclip.data.acquisition.settings import AcquireSettings, archive_name, unpacked_name
from fusionmedclip.data.acquisition.unpack import unpack
from fusionmedclip.errors import InputError
from fusionmedclip.outputs import remove_attempts, whole_file
from fusionmedclip.provenance import file_sha256

__all__ = ["clear", "gather", "gathered"]

_URLS, _WHOLE = ".urls", ".whole"
"""In the hidden folder: from where it is gathered; what becomes the data set."""


def gathered(folder: Path) -> Path:
    """The hidden folder of a data set."""
    return folder.parent / f".{folder.name}.parts"


def gather(settings: AcquireSettings, folder: Path, *, record: Path, console: Console) -> dict[str, str]:
    """Fetch, check and unpack all files of a data set, and give it its name.

    Parameters
    ----------
    settings : AcquireSettings
        With an address.
    folder : Path
        Absent or empty; nobody else is at it.
    record : Path
        Of the checksums of first downloads.
    console : Console

    Returns
    -------
    dict of str to str
        SHA-256 of what this call has fetched or found fetched, by file name.

    Raises
    ------
    InputError
        When a download or an archive is not what it should be.
    """
    parts = gathered(folder)
    whole = parts / _WHOLE
    one = settings.url is not None
    urls = settings.urls if settings.url is None else (settings.url,)
    _begin(parts, urls, one=one)
    digests = {}
    for url in urls:
        file = parts / archive_name(url)
        place = whole if one else whole / unpacked_name(file.name)
        remove_attempts(place)
        if place.exists():
            continue  # by a call that was interrupted later
        if not file.exists():
            fetch(url, file, console=console)
        digests[file.name] = _checked(file, url, settings.sha256 if one else None, record)
        if one or place.name != file.name:
            with _status(console, f"Unpacking {file.name}"):
                unpack(file, place, strip=settings.strip if one else "")
            file.unlink()
        else:
            whole.mkdir(exist_ok=True)
            file.replace(place)
    if folder.exists():
        folder.rmdir()
    whole.replace(folder)
    clear(parts)
    return digests


def _begin(parts: Path, urls: Sequence[str], *, one: bool) -> None:
    """Go on with what a call has gathered from the same addresses, and with nothing else."""
    told, asked = parts / _URLS, [str(one), *urls]
    remove_attempts(told)
    before = told.read_text(encoding="utf-8").split("\n") if told.is_file() else []
    if before == asked:
        return
    if one or before[:1] != asked[:1]:
        clear(parts)
        if parts.is_dir():
            raise InputError(f"{parts}: holds files that no download has put there", hint="move it elsewhere")
    else:
        names = [archive_name(url) for url in urls if url in before]
        kept = {name + end for name in names for end in ("", ".part", ".part.json")}
        _keep(parts, {*kept, _URLS, _WHOLE})
        _keep(parts / _WHOLE, {unpacked_name(name) for name in names})
    with whole_file(told) as temporary:
        temporary.write_text("\n".join(asked), encoding="utf-8")


def _keep(folder: Path, names: set[str]) -> None:
    """Remove all else."""
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        if path.name not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def clear(parts: Path) -> None:
    """Remove a hidden folder and what a download has put there; one of other files stays."""
    told = parts / _URLS
    if told.is_file():  # goes last: by it the folder is known
        _keep(parts, {_URLS})
        told.unlink()
    with suppress(OSError):
        parts.rmdir()


def _checked(file: Path, url: str, expected: str | None, record: Path) -> str:
    digest = file_sha256(file)
    if expected is not None and digest != expected.lower():
        clear(file.parent)
        raise InputError(
            f"{url}: not the file it should be",
            received=digest,
            allowed=expected,
            hint="the download was damaged or the publisher has changed it; run again, or compare by hand",
        )
    compare_or_record(file, digest, record=record)
    return digest


def _status(console: Console, text: str) -> AbstractContextManager:
    """A line that stands while something takes long; nothing where nobody watches."""
    return console.status(text) if console.is_terminal else nullcontext()

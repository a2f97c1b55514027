"""Get a public data set, or say how to get it, and check what is there."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from rich.console import Console

from fusionmedclip.data.acquisition.checksums import (
    Verification,
    compare_or_record,
    shipped_checksums,
    verify_folder,
)
from fusionmedclip.data.acquisition.fetch import fetch
from fusionmedclip.data.acquisition.settings import AcquireSettings
from fusionmedclip.data.acquisition.unpack import unpack
from fusionmedclip.data.files.folders import below
from fusionmedclip.errors import InputError
from fusionmedclip.outputs import remove_attempts
from fusionmedclip.provenance import file_sha256
from fusionmedclip.turns import alone_beside

__all__ = ["Acquired", "acquire"]


_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True, kw_only=True)
class Acquired:
    """A data set that is in its place.

    Attributes
    ----------
    folder : Path
    downloaded : bool
        Whether this call downloaded it.
    sha256 : dict of str to str
        Of what was downloaded, by file name.
    verification : Verification or None
        Against the shipped list; None where there is none.
    """

    folder: Path
    downloaded: bool
    sha256: dict[str, str]
    verification: Verification | None

    def text(self) -> str:
        """What happened and what was found, for a log."""
        lines = [f"{self.folder}: {'downloaded and unpacked' if self.downloaded else 'already there'}"]
        if self.verification is None:
            lines.append("no list of checksums is known for this data set")
        else:
            lines.append(self.verification.text())
            if not self.verification.identical:
                lines.append(
                    "This is not, file by file, the public data set: numbers may differ from others'."
                )
        return "\n".join(lines)


def acquire(
    settings: AcquireSettings,
    folder: Path,
    *,
    dataset: str,
    record: Path | None = None,
    console: Console | None = None,
) -> Acquired:
    """Put a data set in its place, or say what to do.

    A folder that is there already is never touched, only checked.

    Parameters
    ----------
    settings : AcquireSettings
    folder : Path
        Where the data set belongs.
    dataset : str
        Identifier for messages.
    record : Path, optional
        JSON file of checksums seen first; default ``checksums.json`` beside the folder.
    console : Console, optional
        Where progress is shown, if it is a terminal; default the standard error stream.

    Raises
    ------
    InputError
        With the steps to take where the data set has to be fetched by hand; when a download or an archive is
        not what it should be; when an expected path is missing.
    """
    digests: dict[str, str] = {}
    if not _is_there(folder):
        record = record or folder.parent / "checksums.json"
        console = console or Console(stderr=True)
        with alone_beside(folder):  # two clones over one folder of data would write into one download
            if not _is_there(folder):
                digests = _download(settings, folder, dataset, record, console)
    missing = [name for name in settings.expect if not below(folder, name, what="`expect`").exists()]
    if missing:
        what = f"data set {dataset!r}: {folder} lacks {', '.join(missing)}"
        raise InputError(what, hint=_by_hand(settings, folder, dataset))
    verification = None
    if settings.checksums is not None:
        verification = verify_folder(folder, shipped_checksums(settings.checksums))
    return Acquired(folder=folder, downloaded=bool(digests), sha256=digests, verification=verification)


def _is_there(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _download(
    settings: AcquireSettings, folder: Path, dataset: str, record: Path, console: Console
) -> dict[str, str]:
    """Fetch what has an address; else, and where that fails, say what to do by hand."""
    if settings.url is None and not settings.urls:
        raise InputError(_by_hand(settings, folder, dataset))
    try:
        one = settings.url is not None
        return (_download_one if one else _download_several)(settings, folder, record, console)
    except InputError as error:
        raise InputError(f"{error}\n\n{_by_hand(settings, folder, dataset)}") from error


def _download_one(settings: AcquireSettings, folder: Path, record: Path, console: Console) -> dict[str, str]:
    """Fetch, check and unpack; the archive is kept until its content is in place."""
    url = cast(str, settings.url)
    name = _name(url)
    archive = folder.parent / f".{folder.name}.{name}"
    if not archive.exists():
        fetch(url, archive, console=console)
    digest = file_sha256(archive)
    if settings.sha256 is not None and digest != settings.sha256.lower():
        archive.unlink()
        raise InputError(
            f"{settings.url}: not the file it should be",
            received=digest,
            allowed=settings.sha256,
            hint="the download was damaged or the publisher has changed it; run again, or compare by hand",
        )
    compare_or_record(archive.with_name(name), digest, record=record)
    _unpack(archive, folder, console, strip=settings.strip)
    return {name: digest}


def _download_several(
    settings: AcquireSettings, folder: Path, record: Path, console: Console
) -> dict[str, str]:
    """Gather the parts in a hidden folder, which takes its place when the last one is there."""
    parts = folder.parent / f".{folder.name}.parts"
    digests = {}
    for url in settings.urls:
        name = _name(url)
        inner = parts / name.split(".")[0] if name.lower().endswith(_ARCHIVES) else None
        if inner is not None and inner.is_dir():
            continue  # unpacked by a call that was interrupted later
        file = parts / name
        if not file.exists():
            fetch(url, file, console=console)
        digests[name] = file_sha256(file)
        compare_or_record(file, digests[name], record=record)
        if inner is not None:
            _unpack(file, inner, console)
    if folder.exists():
        folder.rmdir()
    parts.replace(folder)
    return digests


def _unpack(archive: Path, folder: Path, console: Console, *, strip: str = "") -> None:
    """Unpack and remove an archive, and what a killed call had unpacked of it: nobody else is at it."""
    remove_attempts(folder)
    with _status(console, f"Unpacking {archive.name.removeprefix(f'.{folder.name}.')}"):
        unpack(archive, folder, strip=strip)
    archive.unlink()


def _status(console: Console, text: str) -> AbstractContextManager:
    """A line that stands while something takes long; nothing where nobody watches."""
    return console.status(text) if console.is_terminal else nullcontext()


def _name(url: str) -> str:
    return url.split("?")[0].rsplit("/", 1)[-1] or "archive"


def _by_hand(settings: AcquireSettings, folder: Path, dataset: str) -> str:
    lines = [
        f"data set {dataset!r} is not in {folder}; to fetch it by hand:",
        f"  from:    {settings.publisher}, {settings.homepage}",
        f"  licence: {settings.licence}",
    ]
    steps = settings.steps or [
        f"download {url}, and unpack it" for url in (settings.url, *settings.urls) if url
    ]
    lines += [f"  {number}. {step}" for number, step in enumerate(steps, start=1)]
    lines.append(f"  Then {folder} must hold: {', '.join(settings.expect) or 'the unpacked data'}")
    return "\n".join(lines)

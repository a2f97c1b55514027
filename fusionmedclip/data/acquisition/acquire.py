"""Get a public data set, or say how to get it, and check what is there."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from fusionmedclip.data.acquisition.checksums import Verification, shipped_checksums, verify_folder
from fusionmedclip.data.acquisition.gather import clear, gather, gathered
from fusionmedclip.data.acquisition.settings import AcquireSettings
from fusionmedclip.data.files.folders import below
from fusionmedclip.errors import InputError
from fusionmedclip.turns import alone_beside, lock_beside

__all__ = ["Acquired", "acquire"]


@dataclass(frozen=True, kw_only=True)
class Acquired:
    """A data set that is in its place.

    Attributes
    ----------
    folder : Path
    downloaded : bool
        Whether this call put it there.
    sha256 : dict of str to str
        Of what this call downloaded for that, by file name.
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
    digests: dict[str, str] | None = None
    if not _is_there(folder):
        record = record or folder.parent / "checksums.json"
        console = console or Console(stderr=True)
        with alone_beside(folder):  # two clones over one folder of data would write into one download
            if not _is_there(folder):
                digests = _download(settings, folder, dataset, record, console)
    elif gathered(folder).is_dir() or lock_beside(folder).exists():
        with suppress(OSError), alone_beside(folder):  # a call was killed at its end; or is at its end
            clear(gathered(folder))
    missing = [name for name in settings.expect if not below(folder, name, what="`expect`").exists()]
    if missing:
        what = f"data set {dataset!r}: {folder} lacks {', '.join(missing)}"
        raise InputError(what, hint=_by_hand(settings, folder, dataset))
    verification = None
    if settings.checksums is not None:
        verification = verify_folder(folder, shipped_checksums(settings.checksums))
    return Acquired(
        folder=folder, downloaded=digests is not None, sha256=digests or {}, verification=verification
    )


def _is_there(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _download(
    settings: AcquireSettings, folder: Path, dataset: str, record: Path, console: Console
) -> dict[str, str]:
    """Fetch what has an address; else, and where that fails, say what to do by hand."""
    if settings.url is None and not settings.urls:
        raise InputError(_by_hand(settings, folder, dataset))
    try:
        return gather(settings, folder, record=record, console=console)
    except InputError as error:
        raise InputError(f"{error}\n\n{_by_hand(settings, folder, dataset)}") from error


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

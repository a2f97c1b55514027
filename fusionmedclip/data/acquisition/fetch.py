"""Download one file: resumable, with a progress bar, whole or not at all."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from fusionmedclip.errors import InputError, PassingError

__all__ = ["fetch"]

_CHUNK = 1 << 20
_TIMEOUT = 60  # seconds without a byte
_BROKEN = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


def fetch(
    url: str, target: Path, *, attempts: int = 5, wait: float = 2.0, console: Console | None = None
) -> Path:
    """Download ``url`` to ``target``.

    What has arrived is kept in ``target.part``, with the server's validator beside it, and a later call goes
    on from there if the file on the server is still the same. ``target`` appears when it is complete.

    Parameters
    ----------
    url : str
        ``http`` or ``https``.
    target : Path
    attempts : int
        How often a broken connection is taken up again before giving up; progress resets the count.
    wait : float
        Seconds before the second attempt; doubles each time.
    console : Console, optional
        Where the progress bar is drawn, if it is a terminal; default the standard error stream.

    Raises
    ------
    InputError
        When the address is wrong, the server refuses, or the connection keeps breaking.
    """
    if not url.startswith(("https://", "http://")):
        raise InputError("unknown kind of address", received=url, allowed="https:// or http://")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    failures = 0
    with _bar(_name(url), console or Console(stderr=True)) as advance:
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                if _transfer(url, part, advance):
                    break
                reason = "the connection ended early"
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    hint = "open the address in a browser; set `url` of the data set if it has moved"
                    raise InputError(
                        f"{url}: the server answers {error.code} {error.reason}", hint=hint
                    ) from error
                reason = f"{error.code} {error.reason}"
            except _BROKEN as error:
                reason = str(getattr(error, "reason", error)) or type(error).__name__
            failures = 0 if part.exists() and part.stat().st_size > before else failures + 1
            if failures >= attempts:
                kept = f"{part.name} is kept, and the download goes on from there"
                hint = f"run again later: {kept}" if part.exists() else "is there a network?"
                raise PassingError(f"{url}: no download ({reason})", hint=hint)
            time.sleep(wait * 2 ** max(0, failures - 1))
    part.replace(target)
    _validator(part).unlink(missing_ok=True)
    return target


def _transfer(url: str, part: Path, advance: "Advance") -> bool:
    """One connection; True when the file is complete."""
    have, known = _resume_point(url, part)
    request = urllib.request.Request(url, headers={"User-Agent": "fusionmedclip"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", known)
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        if error.headers.get("Content-Range", "") == f"bytes */{have}":
            return True  # everything had arrived already
        part.unlink()  # longer than the file on the server: begin again
        return False
    with response:
        if response.status != 206:
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length is not None else None
        _remember(url, part, response.headers)
        advance(have, total)
        with part.open("ab" if have else "wb") as handle:
            while chunk := response.read(_CHUNK):
                handle.write(chunk)
                have += len(chunk)
                advance(have, total)
    return total is None or have == total


def _resume_point(url: str, part: Path) -> tuple[int, str]:
    """Bytes already here and the validator they belong to; 0 where resuming would be a guess."""
    try:
        known = json.loads(_validator(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0, ""
    if (
        not isinstance(known, dict)
        or not part.exists()
        or known.get("url") != url
        or not known.get("validator")
    ):
        return 0, ""
    return part.stat().st_size, known["validator"]


def _remember(url: str, part: Path, headers: http.client.HTTPMessage) -> None:
    etag = headers.get("ETag", "")
    strong = (
        etag if etag and not etag.startswith("W/") else ""
    )  # RFC 9110, 13.1.5: If-Range needs a strong one
    content = {"url": url, "validator": strong or headers.get("Last-Modified", "")}
    _validator(part).write_text(json.dumps(content), encoding="utf-8")


def _validator(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _name(url: str) -> str:
    return url.split("?")[0].rsplit("/", 1)[-1]


class Advance:
    """Tells the bar how far a download is."""

    def __init__(self, progress: Progress, task: TaskID):
        self._progress, self._task = progress, task

    def __call__(self, have: int, total: int | None) -> None:
        self._progress.update(self._task, completed=have, total=total)


@contextmanager
def _bar(name: str, console: Console) -> Iterator[Advance]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Advance(progress, progress.add_task(f"Downloading {name}", total=None))

"""Heads: who runs the workflow in a folder, and what becomes of its jobs and its lock when it is killed.

A head is the Snakemake process that plans and starts jobs. A SIGKILL leaves it no moment to end its jobs or
to take back Snakemake's lock. So the kernel is asked who lives, by ``flock``: a head holds its own record for
as long as it lives, and each of its jobs another. A job waits for its head's record in a thread, and ends
when it gets it. The next head finds a record that nobody holds, waits until no job holds the other, and takes
the lock away, and what is half written of the outputs that jobs have named there. Process ids are only for
messages: they are given again, and mean nothing in another container.

Of another host nothing is known but by its own kernel, and a network's locks are not everywhere what they say
they are: its records count as those of the living.
"""

import atexit
import contextlib
import fcntl
import json
import os
import secrets
import socket
import stat
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fusionmedclip.outliving import end_with_parent
from fusionmedclip.outputs import remove_attempts

__all__ = ["Head", "enter", "follow"]

FOLDER = Path(".snakemake")
RECORDS, LOCKS, GATE = "heads", "locks", ".gate"
"""Below it: our records, Snakemake's locks; and who starts, one at a time."""

PATIENCE = 60.0
"""Seconds for jobs of a killed head to end: they do at once, but for one that the disk keeps waiting."""

PLANNED = 3600.0
"""Seconds after which a head of another host without a lock is no longer one that still plans."""


@dataclass
class Head:
    """A head, living or not.

    Attributes
    ----------
    path : Path
        Its record: JSON of ``host``, ``pid`` and ``started``, seconds since 1970.
    """

    path: Path
    host: str
    pid: int
    started: float
    _held: list[int] = field(default_factory=list, repr=False)

    @property
    def address(self) -> dict[str, str]:
        """What its jobs are told."""
        return {"host": self.host, "record": str(self.path)}

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.started))
        return f"process {self.pid} on {self.host}, since {since}"

    def admit(self) -> None:
        """Let the next one start: this one has its lock."""
        while len(self._held) > 1:
            os.close(self._held.pop())

    def leave(self) -> None:
        """Take the record back."""
        for path in (self.path, _jobs(self.path)):
            with contextlib.suppress(OSError):  # another user's, in a folder of many
                path.unlink()
        while self._held:
            os.close(self._held.pop())


def enter(*, folder: Path = FOLDER) -> Head | None:
    """Be a head: after a killed one, put its folder in order; say which others live.

    Parameters
    ----------
    folder : Path
        Snakemake's.

    Returns
    -------
    Head or None
        None where the disk knows no locks, or records cannot lie there: whoever starts is on their own, as
        with Snakemake alone.
    """
    records = folder / RECORDS
    try:
        records.mkdir(parents=True, exist_ok=True)
        gate = _pass_gate(records / GATE)
    except OSError:
        return None
    dead, others = _sort(folder)
    if dead and not others:
        _clean_up(dead, folder)
    elif others and _is_locked(folder):
        print(
            f"another pipeline works in this folder: {'; '.join(map(str, others))}. What both would make is "
            "refused; wait for it, or end it",
            file=sys.stderr,
        )
    head = _record(records)
    head._held.append(gate)
    atexit.register(_leave_if_own, head, os.getpid())
    return head


def follow(
    address: Mapping[str, str] | None, *, outputs: Sequence[str | Path] = (), parent: int | None = None
) -> None:
    """Be a job of a head: end when it ends, and hold its place until then.

    Parameters
    ----------
    address : mapping
        Of the head. None, or one on another host: nothing; jobs of a scheduler outlive heads on purpose.
    outputs : sequence of paths
        Files and folders of which nothing half written is to be left when the head is killed.
    parent : int, optional
        As for :func:`fusionmedclip.outliving.end_with_parent`.
    """
    if address is None or address["host"] != socket.gethostname():
        return
    end_with_parent(parent)
    record = Path(address["record"])
    try:
        # held until this process, and all that it forks, has ended
        place = os.open(_jobs(record), os.O_RDWR | os.O_APPEND)
        fcntl.flock(place, fcntl.LOCK_SH)
        watched = os.open(record, os.O_RDWR)
    except OSError:  # it has ended, and the next one has put its folder in order; or somebody took the record
        os.write(2, f"this job ends, since the start that it belongs to has: {record} is gone\n".encode())
        os._exit(1)
    with contextlib.suppress(OSError):  # a full disk is the job's to tell; a line torn by it spoils no other
        os.write(place, "".join(f"\n{json.dumps(os.fspath(output))}" for output in outputs).encode())
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: int) -> None:
    fcntl.flock(watched, fcntl.LOCK_SH)
    os._exit(1)


def _jobs(record: Path) -> Path:
    return record.with_suffix(".jobs")


def _pass_gate(path: Path) -> int:
    """Wait until nobody else is between a look at other heads and a lock of its own."""
    gate = os.open(
        path, os.O_RDONLY | os.O_CREAT, 0o644
    )  # of whoever was first here: to be locked it need not be written
    if not _try(gate, fcntl.LOCK_EX):
        print("another pipeline starts in this folder; waiting until it has its lock", file=sys.stderr)
        fcntl.flock(gate, fcntl.LOCK_EX)
    return gate


def _record(records: Path) -> Head:
    host, pid, started = socket.gethostname(), os.getpid(), time.time()
    path = records / f"{host[:32]}-{pid}-{secrets.token_hex(4)}.json"
    _jobs(path).touch()
    # locked before it has its name, so that nobody can meet it as one of the dead
    scratch = path.with_suffix(".new")
    held = os.open(scratch, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(held, fcntl.LOCK_EX)
    os.write(held, json.dumps({"host": host, "pid": pid, "started": started}).encode())
    os.replace(scratch, path)
    return Head(path, host, pid, started, [held])


def _sort(folder: Path) -> tuple[list[Head], list[Head]]:
    """Heads whose record nobody holds, and all others."""
    dead: list[Head] = []
    others: list[Head] = []
    for path in sorted((folder / RECORDS).glob("*.json")):
        with contextlib.suppress(FileNotFoundError):  # taken back meanwhile
            head = _read(path)
            if head.host == socket.gethostname():
                (others if _is_held(path, fcntl.LOCK_SH) else dead).append(head)
            elif _is_locked(folder) or time.time() - head.started < PLANNED:
                others.append(head)
            else:
                head.leave()
    return dead, others


def _read(path: Path) -> Head:
    """A head by its record; one that says nothing of use is another host's, of which nothing is known."""
    found = path.lstat()
    try:
        kept: dict[str, Any] = json.loads(path.read_text()) if stat.S_ISREG(found.st_mode) else {}
        head = Head(path, str(kept["host"]), int(kept["pid"]), float(kept["started"]))
        str(head)  # a time that there can be
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return Head(path, f"a host that {path} does not tell", 0, found.st_mtime)
    return head


def _is_held(path: Path, kind: int) -> bool:
    """Whether a lock of some kind cannot be had; a file that cannot be asked for counts as held.

    A record is asked for a shared one, as its jobs do when their head has ended; theirs for one alone.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        return not _try(handle, kind)
    finally:
        os.close(handle)


def _try(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked(folder: Path) -> bool:
    return any((folder / LOCKS).glob("*.lock"))


def _clean_up(dead: list[Head], folder: Path) -> None:
    """Take away what killed heads have left, once none of their jobs can write any more."""
    names = "; ".join(map(str, dead))
    given_up = time.monotonic() + PATIENCE
    while any(_is_held(_jobs(head.path), fcntl.LOCK_EX) for head in dead):
        if time.monotonic() > given_up:
            print(f"jobs of a killed start still run ({names}): end them first", file=sys.stderr)
            return
        time.sleep(0.05)
    locked = _is_locked(folder)
    for lock in (folder / LOCKS).glob("*.lock"):
        with contextlib.suppress(OSError):
            lock.unlink()
    host = socket.gethostname()
    for pattern in ("scripts/tmp*.run_job.py", f"warm-{host[:32]}-*.sock"):
        for path in folder.glob(pattern):
            with contextlib.suppress(OSError):
                path.unlink()
    removed = sum(remove_attempts(output) for head in dead for output in _outputs(_jobs(head.path)))
    for head in dead:
        head.leave()
    print(
        f"an earlier start was killed ({names}): {_told_of_lock(folder) if locked else ''}"
        f"{removed} unfinished files are removed, and this one goes on",
        file=sys.stderr,
    )


def _outputs(jobs: Path) -> set[str]:
    """What the jobs of a head have named."""
    try:
        lines = jobs.read_text().splitlines()
    except OSError:
        return set()
    outputs: set[str] = set()
    for line in lines:
        with contextlib.suppress(ValueError):
            outputs.add(str(json.loads(line)))
    return outputs


def _told_of_lock(folder: Path) -> str:
    return (
        f"its lock in {folder / LOCKS} cannot be taken away, "
        if _is_locked(folder)
        else "its lock is taken away, "
    )


def _leave_if_own(head: Head, pid: int) -> None:
    if os.getpid() == pid:
        head.leave()

"""Processes that take turns at one place, by the kernel's locks: they end with whoever holds them."""

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["alone_beside", "alone_in", "hold", "lock_beside"]


def hold(handle: int, *, wait: bool = True) -> bool:
    """Lock an open file or folder for this process; say whether it is ours.

    A disk that knows no locks, as some networks' do, keeps nobody out: there it is ours at once.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Nobody else is in this block with the same folder, which is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        hold(handle)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def alone_beside(place: Path) -> Iterator[None]:
    """Nobody else is in this block with the same place, which may become another folder meanwhile.

    Held by a hidden file beside it, which goes with the block.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    path = lock_beside(place)
    handle = _open(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # of another user, who was killed: in a folder of all it is theirs
            path.unlink()
        os.close(handle)


def lock_beside(place: Path) -> Path:
    """The hidden file by which a place is held."""
    return place.with_name(f".{place.name}.lock")


def _open(path: Path) -> int:
    """The lock's file, held; one that its holder has removed meanwhile is not the one that others meet."""
    while True:
        try:
            handle = _of_anybody(path)
        except FileNotFoundError:  # gone meanwhile
            continue
        if not hold(handle, wait=False):
            print(f"{path} is held by another process; waiting until it is done", file=sys.stderr)
            hold(handle)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        os.close(handle)


def _of_anybody(path: Path) -> int:
    """That of another user may be read, which is enough to wait for it."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        if not path.exists():
            raise
        return os.open(path, os.O_RDONLY)

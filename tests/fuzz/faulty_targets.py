"""Readers with one fault each, to see that the harness notices it."""

import os
import time
from pathlib import Path

from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded
from tests.fuzz.target import Target


def _whole(folder: Path) -> list[Path]:
    (folder / "whole.txt").write_text("whole")
    return [folder / "whole.txt"]


def _sound(file: Path) -> bool:
    return file.read_bytes() == b"whole"


def _read(file: Path, out: Path) -> None:
    (out / "copy").write_bytes(file.read_bytes())


def _refused(file: Path, _: Path) -> None:
    if not _sound(file):
        raise InputError(f"{file}: no")


def _traceback(file: Path, _: Path) -> None:
    if not _sound(file):
        raise IndexError


def _unnamed(file: Path, _: Path) -> None:
    if not _sound(file):
        raise InputError("something is wrong")


@guarded("text")
def _memory(file: Path, _: Path) -> None:
    bytearray(10 if _sound(file) else 2**31)


def _hang(file: Path, _: Path) -> None:
    time.sleep(0 if _sound(file) else 60)


def _crash(file: Path, _: Path) -> None:
    if not _sound(file):
        os._exit(11)


def _outside(file: Path, out: Path) -> None:
    if not _sound(file):
        (out.parent / "elsewhere").write_text("x")


def targets() -> list[Target]:
    """Named as the outcome that each must have."""
    readers = (_read, _refused, _traceback, _unnamed, _memory, _hang, _crash, _outside)
    return [Target(name=read.__name__[1:], write=_whole, read=read) for read in readers]

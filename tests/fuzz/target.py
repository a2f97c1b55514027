"""What a reader gives to the fuzz test."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Target"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A public reader, and whole files for it.

    Attributes
    ----------
    name : str
        As the table of results shows it.
    write : callable
        Writes whole files, which the reader must read, into an empty folder; returns those to damage, one at
        a time, the others beside it staying whole.
    read : callable
        Given a file of ``write``, whole or damaged, and an empty folder, where alone it may write.
    tokens : tuple of bytes
        Pieces that mean something in the format.
    """

    name: str
    write: Callable[[Path], list[Path]]
    read: Callable[[Path, Path], Any]
    tokens: tuple[bytes, ...] = ()

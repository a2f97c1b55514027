"""Calls that end as if they were killed where a file is about to get its name."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

__all__ = ["kills"]


class Killed(BaseException):
    """No code that is under test catches it."""


def kills(call: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """End a call at its first file, then, called again, at its second, until one ends by itself."""
    number, is_killed = 0, True
    while is_killed:
        number += 1
        with monkeypatch.context() as patch:
            is_killed = _killed_at(number, call, patch)
        if is_killed:
            yield number


def _killed_at(number: int, call: Callable[[], object], patch: pytest.MonkeyPatch) -> bool:
    """Whether a call had as many files to write. Once it is killed it removes nothing."""
    files: list[Path] = []
    rename, remove = Path.replace, Path.unlink

    def replace(path: Path, target: Path) -> Path:
        files.append(path)
        if len(files) >= number:
            raise Killed
        return rename(path, target)

    patch.setattr(Path, "replace", replace)
    patch.setattr(Path, "unlink", lambda *a, **k: None if len(files) >= number else remove(*a, **k))
    try:
        call()
    except Killed:
        return True
    return False

"""Calls that end as if they were killed: nothing that they have begun is removed on the way out."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["Killed", "kept_as_it_was", "kills"]


class Killed(KeyboardInterrupt):
    """No code that is under test takes it for an error."""

    count = 0

    def __init__(self) -> None:
        super().__init__()
        Killed.count += 1


@contextmanager
def kept_as_it_was(patch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """From the moment that ``Killed`` is raised on, nothing is removed; whether it was stands in the list."""
    before, was_killed = Killed.count, []
    for owner, name in ((Path, "unlink"), (Path, "rmdir"), (shutil, "rmtree")):
        called = getattr(owner, name)

        def unless_killed(*args, called=called, **options):
            return None if Killed.count > before else called(*args, **options)

        patch.setattr(owner, name, unless_killed)
    try:
        yield was_killed
    except Killed:
        was_killed.append(True)


def kills(call: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """End a call where its first file is about to get its name, then, called again, where its second is.

    And so on, until one ends by itself.
    """
    number, was_killed = 0, [True]
    while was_killed:
        number += 1
        left = iter(range(number - 1))

        def replace(path: Path, target: Path, left=left, rename=Path.replace) -> Path:
            if next(left, None) is None:
                raise Killed
            return rename(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace)
            with kept_as_it_was(patch) as was_killed:
                call()
        if was_killed:
            yield number

"""Collect everything that is wrong, then say it once."""

from pathlib import Path
from typing import NamedTuple

from fusionmedclip.errors import InputError

__all__ = ["Problem", "Problems"]


class Problem(NamedTuple):
    """What is wrong, and with which file where one alone is meant."""

    message: str
    file: Path | None


class Problems:
    """Problems found so far, each naming its file.

    A user with five broken files should read about five files, not run five times.
    """

    def __init__(self) -> None:
        self.found: list[Problem] = []

    @property
    def messages(self) -> list[str]:
        """What is wrong, in the order of adding."""
        return [problem.message for problem in self.found]

    def add(self, problem: str | InputError, *, file: Path | None = None) -> None:
        """Keep one problem."""
        self.found.append(Problem(str(InputError(str(problem))), file))

    def extend(self, others: "Problems") -> None:
        """Keep those of another collection as well."""
        self.found += others.found

    def raise_if_any(self, title: str) -> None:
        """Raise one :class:`InputError` that lists all of them in the order of adding."""
        if not self.found:
            return
        count = len(self.found)
        lines = [f"{title}: {count} problem{'s' if count > 1 else ''}"]
        lines += ["  - " + message.replace("\n", "\n  ") for message in self.messages]
        raise InputError("\n".join(lines))

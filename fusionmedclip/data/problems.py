"""Collect everything that is wrong, then say it once."""

from fusionmedclip.errors import InputError

__all__ = ["Problems"]


class Problems:
    """Problems found so far, each naming its file.

    A user with five broken files should read about five files, not run five times.
    """

    def __init__(self) -> None:
        self.messages: list[str] = []

    def add(self, problem: str | InputError) -> None:
        """Keep one problem."""
        self.messages.append(str(problem))

    def raise_if_any(self, title: str) -> None:
        """Raise one :class:`InputError` that lists all of them in the order of adding."""
        if not self.messages:
            return
        count = len(self.messages)
        lines = [f"{title}: {count} problem{'s' if count > 1 else ''}"]
        lines += ["  - " + message.replace("\n", "\n  ") for message in self.messages]
        raise InputError("\n".join(lines))

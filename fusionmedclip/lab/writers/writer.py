"""What the command asks of whatever writes a prediction down."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fusionmedclip.lab.scored import ScoredInput

__all__ = ["Skipped", "Writer"]


@dataclass(frozen=True)
class Skipped:
    """A file that was given and not scored.

    Attributes
    ----------
    file : str
        As it was given.
    reason : str
        The reader's words.
    """

    file: str
    reason: str


class Writer(Protocol):
    """Called for each input as it is scored, and once when all are."""

    def write(self, scored: ScoredInput, folder: Path) -> list[str]:
        """Write what belongs to one input, below the prediction's folder, and name the files as seen from it.

        Files are whole or not there.
        """

    def finish(self, folder: Path, *, skipped: Sequence[Skipped] = ()) -> None:
        """Write what belongs to all inputs, those of an earlier call in the same folder among them."""

"""What a prediction is asked for, and where it may be written."""

import contextlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fusionmedclip.data.reading.recombine import REDUCTIONS
from fusionmedclip.errors import InputError
from fusionmedclip.guard import refusal_of
from fusionmedclip.lab.journal import PARTS, Part, keys_in
from fusionmedclip.outputs import UNFINISHED, are_scores, check_writable

__all__ = ["MOST_AT_ONCE", "PREDICTION", "SCORES", "SKIPPED", "Asked", "check_place"]

OF_REVIEWS = ("review.csv", ".review.lock")
"""What a review leaves in a prediction's folder; no prediction removes or replaces it."""
MOST_AT_ONCE = 4096
"""Slices scored at a time, at most: every batch is filled up, so that one of millions needs terabytes."""
SCORES, SKIPPED, PREDICTION = "scores.csv", "skipped.csv", "prediction.json"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a prediction was asked for.

    Attributes
    ----------
    rule : str, optional
        How slices make the score of a volume, in place of the model's.
    axis : int
        Along which NIfTI volumes are cut, in canonical order: 2 is axial.
    batch_size : int, optional
        Slices scored at a time, in place of the model's.
    workers : int, optional
        Threads that read.
    device : str
    part : Part
    resume : bool
    mask_suffix : str, optional
        See :func:`fusionmedclip.lab.inputs.find_inputs`.
    luma : bool
        Take the luma of pictures in colour without asking, where the model does not anyway.
    """

    rule: str | None = None
    axis: int = 2
    batch_size: int | None = None
    workers: int | None = None
    device: str = "cpu"
    part: Part = field(default_factory=Part)
    resume: bool = False
    mask_suffix: str | None = None
    luma: bool = False

    def __post_init__(self) -> None:
        if self.rule is not None and self.rule not in REDUCTIONS:
            raise InputError("rule", received=self.rule, allowed=", ".join(REDUCTIONS))
        if self.axis not in (0, 1, 2):
            raise InputError("axis", received=self.axis, allowed="0, 1, 2")
        if self.batch_size is not None and self.batch_size > MOST_AT_ONCE:
            raise InputError("batch_size", received=self.batch_size, allowed=f"1 to {MOST_AT_ONCE}")
        for name in ("batch_size", "workers"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise InputError(name, received=value, allowed="1 or more")


def check_place(out: Path, read: Sequence[Path]) -> None:
    """Refuse a place among or around what is read, or one that holds files that are no earlier prediction's.

    A prediction removes and replaces files below its folder, so that none but its own may be there.
    """
    to_csv = out.suffix.lower() == ".csv"
    if out.suffix and not to_csv and not out.is_dir():
        raise InputError(
            f"{out}: a prediction is written into a folder",
            received=out.suffix,
            allowed="a folder, or a name that ends in .csv for the scores alone",
        )
    if to_csv and out.is_dir():
        raise InputError(f"{out}: a folder stands where a file would be written")
    for path in read:
        place, source = out.resolve(), path.resolve()
        around = not to_csv and source.is_relative_to(place)
        if around or place == source or (path.is_dir() and place.is_relative_to(source)):
            raise InputError(f"{out}: would be written among what is read", hint="give another place: --out")
    if to_csv and out.exists() and not are_scores(out):
        raise InputError(
            f"{out}: would be overwritten, and is no earlier result", hint="give another place: --out"
        )
    if not to_csv and out.is_dir() and not _is_ours(out):
        begun = {PARTS} if _holds_nothing(out / PARTS) else set()
        strangers = sorted(item.name for item in out.iterdir() if item.name not in {*OF_REVIEWS, *begun})
        if strangers:
            raise InputError(
                f"{out}: holds files that are no earlier prediction's",
                received=", ".join(strangers[:5]),
                allowed="a new folder, an empty one, or an earlier prediction's",
                hint="give another place: --out",
            )
    check_writable(out.parent if to_csv else out)


def _is_ours(folder: Path) -> bool:
    """Whether a folder is a prediction's, finished or begun: its record, or a line of a journal.

    Raises
    ------
    InputError
        If that may not be read, which says nothing of whose it is.
    """
    try:
        with contextlib.suppress(ValueError, RecursionError, FileNotFoundError, IsADirectoryError):
            said = json.loads((folder / PREDICTION).read_text(encoding="utf-8"))
            if isinstance(said, dict) and "model" in said:
                return True
        return bool(keys_in(folder))
    except OSError as error:
        raise refusal_of(error) from error


def _holds_nothing(parts: Path) -> bool:
    """Whether it is a folder of journals of which none could be written, on a full disk."""
    begun = re.compile(rf"\d+-of-\d+\.jsonl|\.\d+-of-\d+\.jsonl\.[0-9a-f]{{8}}{re.escape(UNFINISHED)}")
    return parts.is_dir() and all(
        begun.fullmatch(path.name) and (path.name.startswith(".") or not path.stat().st_size)
        for path in parts.iterdir()
    )

"""Where a long computation stands: a bar on a terminal, a plain line now and then in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from fusionmedclip.models.detector import Progress as Report

__all__ = ["Stage", "stages"]

Stage = AbstractContextManager[Report]
"""Gives what is called once a step, with ``step`` and perhaps ``steps`` and ``loss``."""

SECONDS = 15.0
"""Between two lines of a log."""
WORTH_A_LINE = 1.0
"""Seconds that a stage takes before a log hears of it."""


def stages(console: Console | None = None) -> Callable[[str], Stage]:
    """A reporter for each stage of a computation, on standard error.

    Parameters
    ----------
    console : rich.console.Console, optional
    """
    shown = console or Console(stderr=True)
    return lambda title: _bar(title, shown) if shown.is_terminal or shown.is_jupyter else _lines(title, shown)


@contextmanager
def _bar(title: str, console: Console) -> Iterator[Report]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[where]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None, where="")
        yield lambda row: bar.update(
            task, completed=row.get("step", 0), total=row.get("steps"), where=_where(row)
        )


@contextmanager
def _lines(title: str, console: Console) -> Iterator[Report]:
    started = said = time.monotonic()
    last: dict[str, float] = {}

    def report(row: dict[str, float]) -> None:
        nonlocal said
        last.update(row)
        if time.monotonic() - said >= SECONDS:
            said = time.monotonic()
            _say(console, f"{title}: {_where(row)}{said - started:.0f} s")

    yield report
    took = time.monotonic() - started
    if took >= WORTH_A_LINE:
        _say(console, f"{title}: done, {_where(last)}{took:.0f} s")


def _where(row: dict[str, float]) -> str:
    if "step" not in row:
        return ""
    of = f" of {int(row['steps'])}" if "steps" in row else ""
    return f"step {int(row['step'])}{of}, " + (f"loss {row['loss']:.3f}, " if "loss" in row else "")


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)

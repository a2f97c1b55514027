"""A training whose steps are shown as they come, and kept for the log."""

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from fusionmedclip.models.detector import Progress as Told

__all__ = ["as_csv", "logged", "read_log"]

Row = dict[str, float]


def logged(train: Callable[[Told], object]) -> list[Row]:
    """Rows of the log of a training, which is given what to call after each step."""
    log: list[Row] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("step {task.completed} loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bar:
        task = bar.add_task("Training", total=None, loss=float("nan"))

        def progress(row: Row) -> None:
            log.append(row)
            total = row.get("steps")
            bar.update(task, completed=len(log), total=total, loss=row.get("loss", float("nan")))

        train(progress)
    return log


def as_csv(log: list[Row]) -> str:
    """The log as a file holds it, one line a step."""
    return pd.DataFrame(log).to_csv(index=False, lineterminator="\n")


def read_log(path: Path) -> list[Row]:
    """What :func:`as_csv` wrote, to the last bit."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: _number(text) for name, text in row.items()} for row in csv.DictReader(file)]


def _number(text: str) -> float:
    return int(text) if text.isdigit() else float(text or "nan")

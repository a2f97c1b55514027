"""A progress bar with the loss, for those who fit a model by hand."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from fusionmedclip.models.detector import Progress as Report

__all__ = ["training_bar"]


@contextmanager
def training_bar(console: Console | None = None) -> Iterator[Report]:
    """Bar on a terminal or in a notebook, nothing elsewhere (files, jobs).

    Yields
    ------
    callable
        To be called once a step with ``step``, ``steps`` and ``loss``.
    """
    console = console or Console()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("step {task.completed}/{task.total} loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
    shown = console.is_terminal or console.is_jupyter
    with Progress(*columns, console=console, disable=not shown) as bar:
        task = bar.add_task("Training", total=None, loss=float("nan"))

        def report(row: dict[str, float]) -> None:
            bar.update(task, completed=row["step"], total=row["steps"], loss=row["loss"])

        yield report

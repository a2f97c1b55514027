"""A progress bar with the loss, for those who fit a model by hand."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from fusionmedclip.models.detector import Progress as Report

__all__ = ["training_bar"]


@contextmanager
def training_bar(title: str = "Training") -> Iterator[Report]:
    """Bar on a terminal, nothing elsewhere (files, notebooks' logs, jobs).

    Yields
    ------
    callable
        To be called once a step with ``step``, ``steps`` and ``loss``.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("step {task.completed}/{task.total} loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bar:
        bar.disable = not bar.console.is_terminal
        task = bar.add_task(title, total=None, loss=float("nan"))

        def report(row: dict[str, float]) -> None:
            bar.update(task, completed=row["step"], total=row["steps"], loss=row["loss"])

        yield report

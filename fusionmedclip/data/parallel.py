"""Threads and a progress bar for many files; the order of results never depends on either."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import track

__all__ = ["map_files"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_MANY = 500  # below this a bar would flash by


def map_files(
    work: Callable[[Item], Result], items: Sequence[Item], *, title: str, threads: int | None = None
) -> Iterator[Result]:
    """Apply ``work`` to every item, in order.

    Decoding and hashing release the interpreter's lock, so threads help; at most a few items a thread are
    in flight, so memory does not grow with their number.

    Parameters
    ----------
    work : callable
        Called once an item; its exceptions pass through.
    items : sequence
    title : str
        What the progress bar says; it is drawn for more than 500 items.
    threads : int, optional
        Default: the number of processors this process may use, at most 8.
    """
    threads = threads or min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
    results = map(work, items) if threads == 1 else _threaded(work, items, threads)
    if len(items) <= _MANY:
        return iter(results)
    console = Console(stderr=True)
    quiet = not console.is_terminal  # a log needs no bar
    return iter(track(results, title, total=len(items), console=console, transient=True, disable=quiet))


def _threaded(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= 4 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

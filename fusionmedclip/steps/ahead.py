"""The next batch is drawn while this one computes."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead"]

Item = TypeVar("Item")


def ahead(calls: Iterable[Callable[[], Item]]) -> Iterator[Item]:
    """Results of calls in their order, each computed by a thread while the one before is used.

    Examples
    --------
    >>> list(ahead([lambda: 1, lambda: 2]))
    [1, 2]
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        waiting: Future[Item] | None = None
        for call in calls:
            following = thread.submit(call)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()

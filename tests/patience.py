"""Waiting for what other processes do: a busy machine is slow, and no test fails for that."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from subprocess import Popen
from typing import TypeVar

Answer = TypeVar("Answer")


def until(
    asked: Callable[[], Answer],
    *,
    going_on: Callable[[], bool] = lambda: True,
    seconds: float = 300,
    pause: float = 0.02,
) -> Answer:
    """The first true answer.

    Parameters
    ----------
    asked
        What is waited for.
    going_on
        Whether it may still come: of a process that has ended nothing does.
    seconds
        Beyond what it takes anywhere.
    pause
        Seconds between two questions.

    Raises
    ------
    AssertionError
        Not in those seconds, or not before what was to do it had ended.
    """
    given_up = time.monotonic() + seconds
    while True:
        may_come = going_on()
        if answer := asked():
            return answer
        assert may_come, "what was to do it has ended"
        assert time.monotonic() < given_up, f"not in {seconds:g} seconds"
        time.sleep(pause)


@contextmanager
def ending(process: Popen) -> Iterator[Popen]:
    """A process that is killed where the block fails, and else waited for."""
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise

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
    by: Popen | None = None,
    seconds: float = 300,
    pause: float = 0.02,
) -> Answer:
    """The first true answer.

    Parameters
    ----------
    asked
        What is waited for.
    by
        The process that is to do it: once it has ended, nothing comes any more.
    seconds
        Beyond what it takes anywhere.
    pause
        Seconds between two questions.

    Raises
    ------
    AssertionError
        Not in those seconds, or not before the process had ended, with the last that it printed.
    """
    given_up = time.monotonic() + seconds
    while True:
        ended = by is not None and by.poll() is not None
        if answer := asked():
            return answer
        assert not ended, f"ended with {by.returncode}: {by.stdout and by.communicate()[0][-4000:]}"
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

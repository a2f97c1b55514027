"""Processes that do not outlive the one that they work for."""

import ctypes
import os
import signal
import sys

__all__ = ["end_with_parent"]

_PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with_parent(parent: int | None = None, *, how: signal.Signals = signal.SIGKILL) -> None:
    """Ask Linux to end this process when the one that started it ends; nothing elsewhere.

    The kernel does it whatever either process is doing, and forgets it at a fork: each child asks for itself.

    Parameters
    ----------
    parent : int, optional
        Process id of the starter. Where it is no longer the parent, it has ended already, and this process
        ends at once.
    how : Signals
        SIGTERM for a program that ends its own children when it is asked to.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, how)
    if parent is not None and os.getppid() != parent:
        os._exit(1)

"""One job: a call of the library, all output in its log, the reason of a failure on the terminal as well."""

import contextlib
import importlib
import os
import shutil
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.errors import InputError, PassingError
from fusionmedclip.guard import refusal_of
from fusionmedclip.pipeline.heads import follow

__all__ = ["call", "refusal"]

_FULL = 1 << 20
"""Bytes that are free below which a disk counts as full."""


def refusal(log: str) -> Path:
    """File beside the log of a job that ended with an InputError: started again, it would end so again."""
    return Path(f"{log}.refused")


def call(
    function: str, arguments: Mapping[str, Any], *, log: str, head: Mapping[str, str] | None = None
) -> int:
    """Run one job with all output in its log; return its exit status.

    Parameters
    ----------
    function : str
        ``"module:name"``.
    arguments : mapping
        JSON-able keyword arguments.
    log : str
        File that output, and any traceback, goes to.
    head : mapping, optional
        Address of the head with which the job ends.
    """
    follow(head)
    terminal = os.dup(2)
    try:
        refusal(log).unlink(missing_ok=True)
        with open(log, "w", buffering=1) as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            module, _, name = function.partition(":")
            getattr(importlib.import_module(module), name)(**arguments)
            sys.stdout.flush()
            sys.stderr.flush()
    except BaseException as error:
        _tell(error, log, terminal)
        return 1
    finally:
        os.close(terminal)
    return 0


def _tell(error: BaseException, log: str, terminal: int) -> None:
    """Why a job failed: all of it in its log, unless the disk is full; the reason on the terminal."""
    is_input = isinstance(error, InputError)
    said = str(error if is_input else refusal_of(error))
    if shutil.disk_usage(Path(log).parent).free < _FULL:  # numpy says how many numbers it wrote, and not why
        said += f"\nno space is left on the disk that {log} lies on"
    os.write(terminal, f"{said}\n".encode())
    with contextlib.suppress(OSError), open(log, "a") as file:
        file.write(f"\n{said}\n" if is_input else "".join(traceback.format_exception(error)))
    if is_input and not isinstance(error, PassingError):
        with contextlib.suppress(OSError):
            refusal(log).touch()

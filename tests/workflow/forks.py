"""Snakemake in a fork of a process that has imported it, which is a third of a plan.

In another environment than the first one's it starts as users start it.
"""

import atexit
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

from tests.workflow import warm_forks

IMPORTED = ["snakemake.cli", "snakemake.script", "snakemake_storage_plugin_fs", "jsonschema", "nbformat"]
PROJECT = Path(__file__).resolve().parents[2]
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(IMPORTED)
_environment: dict[str, str] = {}


def can_fork() -> bool:
    """Whether the environment is still the one in which Snakemake was imported."""
    now = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    if not _environment:
        _environment.update(now)
    return now == _environment


def in_fork(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """Exit status of Snakemake in a folder, and all that it printed: standard output, then errors."""
    with tempfile.TemporaryDirectory() as scratch:
        printed = [Path(scratch, name) for name in ("out", "errors")]
        warm = None if "--dry-run" in command else warm_forks.address()
        process = FORKS.Process(target=_run, args=(list(command), folder, printed, warm))
        process.start()
        process.join()
        return process.exitcode, "".join(path.read_text() for path in printed)


def _run(command: list[str], folder: Path, printed: list[Path], warm: str | None) -> None:
    loaded = [name for name in sys.modules if name.partition(".")[0] == "fusionmedclip"]
    assert not loaded, f"the folder's own copy must be read: {loaded}"
    for stream, path in zip((1, 2), printed, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream)
    if warm is not None:
        subprocess.Popen = warm_forks.popen(warm)
    os.chdir(folder)
    os.environ["OMP_NUM_THREADS"] = "1"
    others = [path for path in sys.path if path and Path(path) != PROJECT]
    # As a console script has it: its folder first, the project last, since that is installed to be edited.
    sys.path[:] = dict.fromkeys([str(Path(command[0]).parent), *others, str(PROJECT)])
    sys.argv = command
    from snakemake import cli, workflow

    workflow.Workflow._rundir = str(folder)  # which it asks for when it is imported
    try:
        cli.main()
    finally:
        atexit._run_exitfuncs()  # which a fork of multiprocessing leaves out

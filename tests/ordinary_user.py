"""Commands as an ordinary user runs them, whom a file's rights keep out, and with too little memory."""

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["give_up_rights", "short_of_memory", "without_rights"]

_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_OVER_FILES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: root is kept out of nothing by them

_LIMITED = """
import re, resource, sys
from fusionmedclip.cli import app
import fusionmedclip.lab.drawn, fusionmedclip.lab.prediction
size = re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1]
resource.setrlimit(resource.RLIMIT_AS, (int(size) * 1024 + int(sys.argv[1]),) * 2)
sys.argv = ["fusionmedclip", *sys.argv[2:]]
app()
"""
"""What is loaded is not counted: a limit on address space would be met by torch's libraries alone."""


@contextlib.contextmanager
def without_rights() -> Iterator[None]:
    """Give up what root may do to any file, in this thread and those that it starts."""
    head, sets = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    library = ctypes.CDLL(None, use_errno=True)
    if library.capget(head, sets):
        raise OSError(ctypes.get_errno(), "capget")
    before = sets[0]  # effective; permitted ones stay, so that they can be taken up again
    sets[0] &= ~_OVER_FILES
    library.capset(head, sets)
    try:
        yield
    finally:
        sets[0] = before
        library.capset(head, sets)


def give_up_rights() -> None:
    """The same for a program that is started next: what is to be called between fork and exec."""
    if os.geteuid() == 0:
        for right in (1, 2):
            ctypes.CDLL(None).prctl(24, right, 0, 0, 0)  # PR_CAPBSET_DROP


def short_of_memory(*arguments: object, more: int, folder: Path, root: Path) -> subprocess.CompletedProcess:
    """Run ``fusionmedclip`` in a folder, with that many bytes beside what its libraries take."""
    return subprocess.run(
        [sys.executable, "-c", _LIMITED, str(more), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )

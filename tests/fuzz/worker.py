"""A process that reads damaged files one after another and says how each ended.

It may grow by ``GROWTH`` bytes of addresses over what it had before each file, and may write into the file's
output folder and the folder of temporary files alone. A request is a line of JSON on the standard input:
target, file, output folder, and whether the file is whole (then nothing is limited, and the imports that a
first reading needs are made).
"""

import importlib
import json
import os
import resource
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

from fusionmedclip.errors import InputError

GROWTH = 2**30
_OUT_OF_MEMORY = ("not enough memory", "can't allocate memory", "Cannot allocate memory", "out of memory")

written: list[str] = []


def watch(event: str, arguments: tuple) -> None:
    """Audit hook: note every path that is opened to write, made, moved or linked."""
    if event == "open":
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if isinstance(flags, int) else False
        if isinstance(path, str | bytes) and (writes or (mode and set(str(mode)) & set("wax+"))):
            written.append(os.fsdecode(path))
    elif event in ("os.mkdir", "os.truncate"):
        written.append(os.fsdecode(arguments[0]))
    elif event in ("os.rename", "os.symlink", "os.link"):
        written.append(os.fsdecode(arguments[1]))


def attempt(read: Callable, file: Path, out: Path, scratch: Path) -> tuple[str, str]:
    """Read one file: how it ended, and the details of what should not be.

    Its folder's name counts as its own: a reader may have been given the folder.
    """
    written.clear()
    try:
        read(file, out)
        outcome, detail = "read", ""
    except InputError as error:
        outcome, detail = "refused", str(error)
        if _memory(error):
            outcome, detail = "memory", traceback.format_exc()
        elif file.name not in detail and str(scratch.parent) not in detail:
            outcome, detail = "unnamed", traceback.format_exc()
    except BaseException:
        outcome, detail = "traceback", traceback.format_exc()
    outside = [path for path in written if not _allowed(os.path.realpath(path), out, scratch)]
    return ("outside", ", ".join(outside)) if outside else (outcome, detail)


def _allowed(path: str, *folders: Path) -> bool:
    return path == os.devnull or any(Path(path).is_relative_to(folder) for folder in folders)


def _memory(error: BaseException | None) -> bool:
    """Whether an error goes back to memory that was asked for in vain."""
    while error is not None:
        if isinstance(error, MemoryError) or any(word in str(error) for word in _OUT_OF_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False


def limit(growth: int | None) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    size = hard if growth is None else pages * resource.getpagesize() + growth
    resource.setrlimit(resource.RLIMIT_AS, (size, hard))


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warnings.simplefilter("ignore")
    known = {target.name: target for target in importlib.import_module(sys.argv[2]).targets()}
    scratch = Path(sys.argv[1]).resolve()
    tempfile.tempdir = str(scratch)
    sys.addaudithook(watch)
    for line in sys.stdin:
        request = json.loads(line)
        limit(None if request["whole"] else GROWTH)
        outcome, detail = attempt(
            known[request["target"]].read, Path(request["file"]), Path(request["out"]), scratch
        )
        limit(None)
        answers.write(json.dumps({"outcome": outcome, "detail": detail}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()

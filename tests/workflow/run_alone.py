"""Jobs of a workflow one by one, each in a folder that holds its declared inputs and nothing else, watched.

``run_alone.py JOBS STORE REPORT``: jobs as ``list_jobs.py`` lists them; a folder that inputs are found in and
outputs are put into. A process of its own, of which each job is a fork: what a test leaves behind, such as
the threads of a library, must not reach the jobs.
"""

import importlib
import json
import os
import pkgutil
import runpy
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import matplotlib.figure

import fusionmedclip.outputs

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = f"{ROOT / 'fusionmedclip'}{os.sep}"
FUNCTION = 1  # CO_OPTIMIZED, which the bodies of modules and classes lack
PATIENCE = 600  # seconds for a job
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e5279ba20000000049454e44ae426082"
)


class Files(list):
    """Files of a job as its script sees them: by position and by name."""

    def __init__(self, listed: Mapping):
        super().__init__(listed["files"])
        self._names = listed["names"]
        self.__dict__.update(listed["names"])

    def get(self, name: str, default=None):
        return self._names.get(name, default)

    def items(self):
        return self._names.items()


class Watch:
    """What a job does: functions of the library by file and line, files that it reads, lists and writes."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.functions: set[tuple[str, int]] = set()
        self.read: set[str] = set()
        self.listed: set[str] = set()
        self.written: set[str] = set()

    def start(self) -> None:
        # A tracer that returns nothing is told of calls alone, which costs a fifth of a profiler.
        threading.settrace(self._called)
        sys.settrace(self._called)
        sys.addaudithook(self._used)

    def _called(self, frame, _event, _argument) -> None:
        code = frame.f_code
        if code.co_flags & FUNCTION and code.co_filename.startswith(PACKAGE):
            self.functions.add((code.co_filename[len(PACKAGE) :], code.co_firstlineno))

    def _used(self, event: str, arguments: tuple) -> None:
        if event == "open" and not isinstance(arguments[0], int):
            writes = isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            (self.written if writes else self.read).add(self._name(arguments[0]))
        elif event in ("os.listdir", "os.scandir") and not isinstance(arguments[0], int) and not _forgets():
            self.listed.add(self._name(arguments[0] or "."))
        elif event == "os.mkdir":
            self.written.add(self._name(arguments[0]))
        elif event == "os.rename":
            self.written.add(self._name(arguments[1]))

    def _name(self, path) -> str:
        """Relative to the job's folder where it lies below."""
        path = os.path.abspath(os.fsdecode(path))
        return os.path.relpath(path, self.folder) if path.startswith(f"{self.folder}{os.sep}") else path

    def found(self) -> dict:
        return {name: sorted(getattr(self, name)) for name in ("functions", "read", "listed", "written")}


def _forgets() -> bool:
    """Whether a folder is listed to remove earlier attempts, and for nothing else."""
    frame = sys._getframe()
    while frame := frame.f_back:
        if frame.f_code is fusionmedclip.outputs.remove_attempts.__code__:
            return True
    return False


def link(source: Path, target: Path) -> None:
    """Put a file or folder in another place; hard links, so that nothing resolves to where it came from."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=os.link, dirs_exist_ok=True)
    elif source.exists() and not target.exists():
        os.link(source, target)


def run_alone(job: Mapping, script: Path, config: Mapping, *, store: Path, folder: Path) -> dict:
    """Run one job; return its status, its log and what it did."""
    for name in job["input"]["files"]:
        link(store / name, folder / name)
    for name in [*job["output"]["files"], *job["log"]]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    report = folder.with_suffix(".json")
    child = os.fork()
    if child == 0:
        _in_child(job, script, config, folder, report)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    seen = json.loads(report.read_text()) if report.exists() else {"error": "ended without a word"}
    log = folder / job["log"][0]
    for name in job["output"]["files"]:
        link(folder / name, store / name)
    return {"rule": job["rule"], "wildcards": job["wildcards"], "status": status, **seen,
            "log": seen["error"] + (log.read_text() if log.exists() else "")}  # fmt: skip


def _in_child(job: Mapping, script: Path, config: Mapping, folder: Path, report: Path) -> None:
    """Never returns."""
    watch, status, error = Watch(folder), 1, ""
    given = SimpleNamespace(
        rule=job["rule"],
        input=Files(job["input"]),
        output=Files(job["output"]),
        params=job["params"],
        wildcards=SimpleNamespace(**job["wildcards"]),
        log=job["log"],
        threads=job["threads"],
        resources=job["resources"],
        config=config,
    )
    signal.alarm(PATIENCE)
    try:
        os.chdir(folder)
        sys.path.insert(0, str(script.parent))
        watch.start()
        runpy.run_path(str(script), {"snakemake": given})
        status = 0
    except SystemExit as leaving:
        status = leaving.code or 0
    except BaseException:
        error = traceback.format_exc()
    finally:
        sys.settrace(None)
        report.write_text(json.dumps({**watch.found(), "error": error}))
        os._exit(status)


def prepare() -> None:
    """Import the library, so that what runs on import is not taken for what a job runs; draw nothing.

    Figures are put together and saved as one pixel: matplotlib's own time would be most of all jobs'.
    """
    for module in pkgutil.walk_packages(fusionmedclip.__path__, "fusionmedclip."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    matplotlib.figure.Figure.savefig = lambda _self, path, **_: Path(path).write_bytes(PIXEL)


def main(jobs: str, store: str, report: str) -> None:
    sys.path[0] = str(ROOT)
    listed = json.loads(Path(jobs).read_text())
    prepare()
    done = []
    for number, job in enumerate(listed["jobs"]):
        script = (ROOT / "rules" / listed["rules"][job["rule"]]["script"]).resolve()
        folder = Path(report).parent / "alone" / str(number)
        done.append(run_alone(job, script, listed["config"], store=Path(store), folder=folder))
    Path(report).write_text(json.dumps(done))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Jobs without the seconds that imports take: one warm process of which each job is a fork.

A job of the workflow costs a process, and torch with open_clip takes about five seconds to import, longer
than a small run computes. With ``warm_jobs: true`` the workflow starts one process that imports what jobs
need, torch when a job first asks for it; each job asks it, over a socket in the working folder, for a fork of
itself. A fork shares nothing with other jobs that could change a result, and where no warm process answers, a
job runs by itself as usual. Meant for one machine without a GPU: a GPU must not be touched before a fork.

A job learns of the warm process from the workflow that started both, never from a file: what another run or
another machine has left in a shared folder is not even looked at. Jobs that a scheduler or an environment of
their own runs elsewhere are told of none.
"""

import contextlib
import gc
import importlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionmedclip.outliving import end_with_parent
from fusionmedclip.pipeline.calls import call

__all__ = ["Warm", "call_warm", "serve", "start", "stop", "why_cold"]

FOLDER = Path(".snakemake")
"""For sockets; relative to the working folder, so that a path stays short enough for one."""

IMPORTING = 120.0
"""Seconds that a job waits for a warm process that still imports, and then runs by itself."""

PATIENCE = 10.0
"""Seconds for a job to say what it wants, which it does at once."""

BEGUN = "begun"
"""What a fork says before its job; who has not heard it runs the job itself."""

_KILLED = (
    "the job was killed, by a signal or by the system for want of memory, or the warm process of which it "
    "was a fork; what is finished stays, and the same command goes on"
)

PRELOADED = ("pandas", "scipy.stats", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf")
"""What jobs import while they run. The module that a job asks for follows when a job first asks for it."""

WITH_TORCH = ("torch._dynamo", "fusionmedclip.methods", "fusionmedclip.training.estimator")
"""What jobs that use torch import while they run, so tables and figures alone never wait for it."""


@dataclass(frozen=True)
class Warm:
    """A warm process.

    Attributes
    ----------
    process : Popen
    address : dict
        ``host``, ``pid`` and ``socket``, whose name holds the host and a token of this run alone.
    """

    process: subprocess.Popen
    address: dict[str, Any]


def why_cold(workflow: Any) -> str:
    """Why a workflow's jobs must not be forks of a warm process; empty where they may.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
    """
    if not workflow.local_exec:
        return "jobs run elsewhere, by a scheduler"
    if workflow.deployment_settings.deployment_method:
        return "jobs run in environments of their own"
    return ""


def call_warm(
    function: str,
    arguments: Mapping[str, Any],
    *,
    log: str,
    address: Mapping[str, Any] | None,
    head: Mapping[str, str] | None = None,
) -> int | None:
    """Have a fork of the warm process run one job; None where there is no warm process, or it did not begin.

    One that is still importing is waited for, which takes no longer than importing the same again.
    """
    client = _connect(address) if address else None
    if client is None:
        return None
    begun = answer = ""
    with client, contextlib.suppress(OSError):
        client.sendall((json.dumps([function, dict(arguments), log, head]) + "\n").encode())
        said = client.makefile("r")
        begun = said.readline().strip()
        answer = said.readline()
    if begun != BEGUN:  # a busy machine: the warm process had lost patience before it was told
        return None
    if answer:
        return int(answer)
    with open(log, "a") as file:
        print(f"\n{_KILLED}", file=file)
    return 1


def _connect(address: Mapping[str, Any]) -> socket.socket | None:
    if address["host"] != socket.gethostname():
        return None
    given_up = time.monotonic() + IMPORTING
    while True:
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(address["socket"])
            return client
        except OSError:
            client.close()
        if not _alive(address["pid"]) or time.monotonic() > given_up:
            return None
        time.sleep(0.1)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def start(folder: Path = FOLDER) -> Warm:
    """Start a warm process that lives no longer than this one."""
    folder.mkdir(parents=True, exist_ok=True)
    host = socket.gethostname()
    path = folder / f"warm-{host[:32]}-{secrets.token_hex(4)}.sock"
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", _SERVE.format(root=str(root), path=str(path))]
    process = subprocess.Popen(command, env={**os.environ, **threads}, stdin=subprocess.PIPE)
    # Waited for: one that was killed would look alive to jobs for as long as nobody has asked how it ended.
    threading.Thread(target=process.wait, daemon=True).start()
    return Warm(process, {"host": host, "pid": process.pid, "socket": str(path)})


_SERVE = (
    "import sys; sys.path.insert(0, {root!r}); from fusionmedclip.pipeline.warm import serve; serve({path!r})"
)


def stop(warm: Warm | None = None) -> None:
    """Stop a warm process."""
    if warm is not None:
        warm.process.terminate()
        warm.process.wait()
        Path(warm.address["socket"]).unlink(missing_ok=True)


def serve(path: str, preload: tuple[str, ...] = PRELOADED, ready: Callable[[], None] | None = None) -> None:
    """Import, then fork for each job that asks, until standard input closes or a signal comes."""
    with _for_all_forks():
        for module in preload:
            importlib.import_module(module)
    signal.signal(signal.SIGCHLD, _reap)
    me = os.getpid()
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    os.chmod(path, 0o600)
    threading.Thread(target=_leave_with_the_starter, args=(path,), daemon=True).start()
    server.listen(64)
    if ready is not None:
        ready()
    while True:
        connection, _ = server.accept()
        line = _asked(connection)
        if line:
            _import_for(json.loads(line)[0])
            if os.fork() == 0:
                end_with_parent(me)
                server.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _answer(connection, line)
        connection.close()


def _asked(connection: socket.socket) -> str:
    """A job's one line; nothing from a client that connects and says none, so that others are not kept."""
    connection.settimeout(PATIENCE)
    try:
        line = connection.makefile("r").readline()
    except OSError:
        return ""
    connection.settimeout(None)
    return line


def _import_for(function: str) -> None:
    """Import what a job will ask for, once and for all later jobs; an error is the job's to report."""
    with contextlib.suppress(Exception), _for_all_forks():
        importlib.import_module(function.partition(":")[0])
        if "torch" in sys.modules:
            for module in WITH_TORCH:
                importlib.import_module(module)


@contextlib.contextmanager
def _for_all_forks() -> Iterator[None]:
    """Import without looking for garbage, a tenth of the time, and leave what came to all forks as it is.

    A fork that looked for garbage in it would copy all of its pages.
    """
    before = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.collect()
            gc.freeze()
        gc.enable()


def _reap(*_: Any) -> None:
    """Wait for forks that have ended, so that their processor time counts as this process's."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _leave_with_the_starter(path: str) -> None:
    """Standard input is a pipe from the starter: it ends when the starter does, however that comes about.

    It is read below ``sys.stdin``, whose lock every fork would inherit as held, and wait for: a worker of a
    pool closes its standard input first.
    """
    while os.read(0, 1 << 10):
        pass
    Path(path).unlink(missing_ok=True)
    os._exit(0)


def _answer(connection: socket.socket, line: str) -> None:
    function, arguments, log, head = json.loads(line)
    try:
        connection.sendall(f"{BEGUN}\n".encode())
    except OSError:  # cancelled before it began
        os._exit(1)
    threading.Thread(target=_leave_with_the_client, args=(connection,), daemon=True).start()
    status = call(function, arguments, log=log, head=head)
    with contextlib.suppress(OSError):
        connection.sendall(f"{status}\n".encode())
    os._exit(0)


def _leave_with_the_client(connection: socket.socket) -> None:
    """A job that was cancelled closes its end; its fork must not go on computing."""
    said = b""
    with contextlib.suppress(OSError):  # reset, where it was killed before it had read what the fork said
        said = connection.recv(1)
    if not said:
        os._exit(1)

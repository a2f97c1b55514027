"""The warm process of a workflow as a fork of one that has imported torch, nine seconds of each start.

As its users start it, it runs in the tests of kills and of the warm process itself, and in the demo.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

IMPORTED = (
    "cv2", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf", "nibabel", "open_clip",
    "pandas", "peft.tuners.lora.layer", "pydicom", "scipy.stats", "simplejpeg", "sklearn.metrics", "timm",
    "torch", "torch._dynamo", "torchvision",
)  # fmt: skip
"""Of other people's: what is ours is imported from the copy whose workflow it is."""

PROJECT = Path(__file__).resolve().parents[2]


@cache
def address() -> str:
    """Socket of a process that forks, for as long as this one lives."""
    path = str(Path(tempfile.mkdtemp(), "forks"))
    code = f"from tests.workflow.warm_forks import serve; serve({path!r})"
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-c", code]
    server = subprocess.Popen(
        command, cwd=PROJECT, env={**os.environ, **threads}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    atexit.register(server.kill)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return path


def serve(path: str) -> None:
    """Fork for each that asks, until standard input closes; import when the first one does."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a fork: it leaves no entry behind
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    print("ready", flush=True)
    while server in select.select([server, 0], [], [])[0]:
        connection, _ = server.accept()
        for module in IMPORTED:
            __import__(module)
        said, streams, *_ = socket.recv_fds(connection, 1 << 20, 3)
        child = os.fork()
        if child == 0:
            server.close()
            connection.close()
            _become(json.loads(said), streams)
        for stream in streams:
            os.close(stream)
        connection.sendall(str(child).encode())
        connection.close()


def _become(asked: dict[str, Any], streams: list[int]) -> None:
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        exec(asked["code"], {"__name__": "__main__"})
    finally:
        os._exit(0)


class Fork:
    """What a head asks of its warm process, as of a ``subprocess.Popen``.

    Parameters
    ----------
    code : str
        That it runs.
    environment : mapping of str to str
    forks : str
        What :func:`address` gave.
    """

    def __init__(self, code: str, environment: Mapping[str, str], forks: str):
        read, write = os.pipe()
        asked = {"code": code, "environment": dict(environment), "folder": os.getcwd()}
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(forks)
            socket.send_fds(client, [json.dumps(asked).encode()], [read, 1, 2])
            self.pid = int(client.recv(64))
        os.close(read)
        self._write = write  # what it waits for the end of
        self._ending = os.pidfd_open(self.pid)

    def terminate(self) -> None:
        """Ask it to end."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> None:
        """Wait for its end."""
        select.select([self._ending], [], [])


def popen(forks: str) -> type[subprocess.Popen]:
    """``subprocess.Popen`` that has a warm process forked, and starts everything else."""

    class Popen(subprocess.Popen):
        def __new__(cls, args, *rest, **named):
            warm = isinstance(args, list) and "fusionmedclip.pipeline.warm import serve" in args[-1]
            return Fork(args[-1], named["env"], forks) if warm else super().__new__(cls)

    return Popen

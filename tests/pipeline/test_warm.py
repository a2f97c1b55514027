"""Warm jobs: a fork does what the job's own process would, and fails as it would."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from fusionmedclip.pipeline import warm as warm_module
from fusionmedclip.pipeline.warm import Warm, call_warm, start, stop, why_cold
from tests.held import held
from tests.patience import until

SERVE = "from fusionmedclip.pipeline.warm import serve; serve({path!r}, preload=('json',))"
SOCKET = "w.sock"
ENDLESS = """import os, pathlib, time

def job():
    pathlib.Path('pid').write_text(str(os.getpid()))
    time.sleep(900)
"""


def _process(before=""):
    return subprocess.Popen([sys.executable, "-c", before + SERVE.format(path=SOCKET)], stdin=subprocess.PIPE)


def _address(pid, **changes):
    return {"host": socket.gethostname(), "pid": pid, "socket": SOCKET, **changes}


def _listens():
    """A socket is there before anything listens to it."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(SOCKET) == 0


@pytest.fixture
def warm(tmp_path, monkeypatch):
    """A warm process that has imported next to nothing; the socket's path is short."""
    monkeypatch.chdir(tmp_path)
    process = _process()
    until(_listens, by=process)
    yield process
    stop(Warm(process, _address(process.pid)))


def _ask(tmp_path, function, *, address=None, **arguments):
    log = tmp_path / "log"
    status = call_warm(function, arguments, log=str(log), address=address or _address(os.getpid()))
    return status, log.read_text() if log.exists() else ""


def test_output_goes_to_the_log_of_the_job(warm, tmp_path):
    assert _ask(tmp_path, "builtins:print", sep="-", end="done") == (0, "done")


def test_an_exception_is_a_failure_with_its_traceback(warm, tmp_path):
    status, log = _ask(tmp_path, "json:loads", s="{")
    assert status == 1
    assert "JSONDecodeError" in log
    assert "Traceback" in log


def test_a_job_may_have_workers_of_its_own(warm, tmp_path):
    """The warm process reads its standard input, and a worker closes its own at birth."""
    (tmp_path / "pooled.py").write_text(
        "import multiprocessing\n\n"
        "def job():\n"
        "    with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "        print(pool.map_async(abs, [-1, 2]).get(timeout=300))\n"
    )
    assert _ask(tmp_path, "pooled:job") == (0, "[1, 2]\n")


def test_a_fork_that_dies_is_a_failure(warm, tmp_path):
    assert _ask(tmp_path, "os:_exit", status=9)[0] == 1
    assert _ask(tmp_path, "builtins:print", end="still there")[1] == "still there"


def test_a_fork_ends_with_the_warm_process(warm, tmp_path):
    """Killed, as by a system without memory: the job has failed, and must not go on alone."""
    (tmp_path / "endless.py").write_text(ENDLESS)
    asked = []
    thread = threading.Thread(daemon=True, target=lambda: asked.append(_ask(tmp_path, "endless:job")))
    thread.start()
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    warm.kill()
    thread.join(timeout=50)  # the fork has closed its end, as only its own end does
    assert not thread.is_alive()
    ((status, log),) = asked
    assert status == 1
    assert "the job was killed" in log


def test_jobs_do_not_wait_for_a_warm_process_that_was_killed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for bound in (False, True):
        warm = start()
        if bound:
            until(Path(warm.address["socket"]).exists)
        warm.process.kill()
        begun = time.monotonic()
        assert _ask(tmp_path, "builtins:print", address=warm.address) == (None, "")
        assert time.monotonic() - begun < warm_module.IMPORTING / 2


def test_jobs_do_not_see_what_other_jobs_changed(warm, tmp_path):
    assert _ask(tmp_path, "os:chdir", path="/")[0] == 0
    assert _ask(tmp_path, "os:chdir", path=".")[0] == 0
    status, log = _ask(tmp_path, "subprocess:call", args=["pwd"])
    assert (status, log.strip()) == (0, str(tmp_path))


def test_a_module_is_imported_once_for_all_jobs_that_ask_for_it(warm, tmp_path):
    (tmp_path / "counted.py").write_text("open('imports', 'a').write('x')\ndef job():\n    print('ran')\n")
    assert [_ask(tmp_path, "counted:job") for _ in range(3)] == [(0, "ran\n")] * 3
    assert (tmp_path / "imports").read_text() == "x"


def test_a_module_that_cannot_be_imported_fails_the_job_alone(warm, tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0")
    status, log = _ask(tmp_path, "broken:job")
    assert status == 1
    assert "ZeroDivisionError" in log
    assert _ask(tmp_path, "builtins:print", end="still there")[1] == "still there"


def test_forks_that_end_leave_no_zombie(warm, tmp_path):
    for _ in range(3):
        assert _ask(tmp_path, "builtins:print")[0] == 0
    children = f"/proc/{warm.pid}/task/{warm.pid}/children"
    until(lambda: not Path(children).read_text().split())


def test_a_client_that_says_nothing_keeps_no_other_waiting(warm, tmp_path):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(SOCKET)
        assert _ask(tmp_path, "builtins:print", end="done") == (0, "done")


@pytest.mark.parametrize(("says", "status"), [(b"", None), (b"begun\n", 1), (b"begun\n0\n", 0)])
def test_a_job_that_was_not_begun_is_left_to_its_own_process(says, status, tmp_path, monkeypatch):
    """On a busy machine the warm process may lose patience; what it did begin and did not end has failed."""
    monkeypatch.chdir(tmp_path)
    server = socket.socket(socket.AF_UNIX)
    server.bind(SOCKET)
    server.listen(1)

    def answer():
        connection, _ = server.accept()
        connection.recv(2**16)  # closed unread, the kernel takes back what was said
        connection.sendall(says)
        connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    given, log = _ask(tmp_path, "builtins:print")
    assert given == status
    assert ("the job was killed" in log) is (says == b"begun\n")
    thread.join()
    server.close()


def test_nothing_answers_where_nothing_was_started(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert _ask(tmp_path, "builtins:print", address=_address(ended.pid)) == (None, "")


def test_a_socket_of_another_machine_is_not_waited_for(tmp_path, monkeypatch):
    """Its process cannot be seen from here; one of ours may have the same number."""
    monkeypatch.chdir(tmp_path)
    left = socket.socket(socket.AF_UNIX)
    left.bind(SOCKET)  # as a machine that went down leaves it: nobody listens
    left.close()
    began = time.monotonic()
    assert _ask(tmp_path, "builtins:print", address=_address(os.getpid(), host="elsewhere")) == (None, "")
    assert time.monotonic() - began < warm_module.IMPORTING / 2


def test_one_that_never_listens_is_given_up(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(warm_module, "IMPORTING", 0.5)
    began = time.monotonic()
    assert _ask(tmp_path, "builtins:print", address=_address(os.getpid())) == (None, "")
    assert time.monotonic() - began < 60


def test_one_that_is_still_importing_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    process = _process("import os, time\nwhile not os.path.exists('imported'): time.sleep(0.1)\n")
    assert not (tmp_path / SOCKET).exists()
    threading.Timer(0.5, (tmp_path / "imported").touch).start()
    assert _ask(tmp_path, "builtins:print", address=_address(process.pid), end="warm") == (0, "warm")
    stop(Warm(process, _address(process.pid)))


def test_its_socket_is_named_by_machine_and_run_and_goes_with_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, two = start(Path()), start(Path())
    names = [Path(each.address["socket"]).name for each in (one, two)]
    assert all(socket.gethostname()[:32] in name for name in names)
    assert names[0] != names[1]
    assert _ask(tmp_path, "builtins:print", address=one.address, end="one") == (0, "one")
    stop(one)
    assert _ask(tmp_path, "builtins:print", address=one.address, end="none") == (None, "one")
    two.process.stdin.close()  # as when the workflow is killed
    two.process.wait(timeout=60)
    assert not list(tmp_path.glob("warm*"))


@pytest.mark.parametrize(
    ("local", "methods", "says"),
    [(True, set(), ""), (True, {"conda"}, "environments of their own"), (False, set(), "by a scheduler")],
)
def test_no_job_of_an_environment_or_a_scheduler_is_warm(local, methods, says):
    workflow = SimpleNamespace(
        local_exec=local, deployment_settings=SimpleNamespace(deployment_method=methods)
    )
    assert says in why_cold(workflow)
    assert bool(why_cold(workflow)) is bool(says)


def test_the_warm_process_ends_with_its_starter(warm):
    warm.stdin.close()
    assert warm.wait(timeout=60) == 0


def test_a_cancelled_job_ends_its_fork(warm, tmp_path):
    (tmp_path / "endless.py").write_text(ENDLESS)
    code = "from fusionmedclip.pipeline.warm import call_warm;"
    code += f"call_warm('endless:job', {{}}, log='log', address={_address(warm.pid)})"
    client = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    fork = _child_of(warm.pid)
    client.kill()
    client.wait()
    until(lambda: not os.path.exists(f"/proc/{fork}"))


@pytest.mark.parametrize("wait", [0, 0.3], ids=["at once", "once it has begun"])
def test_a_client_that_leaves_without_reading_ends_the_fork_too(warm, tmp_path, wait):
    """The connection is reset then, not closed."""
    (tmp_path / "endless.py").write_text(ENDLESS)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(SOCKET)
        client.sendall(f'["endless:job", {{}}, "{tmp_path}/log", null]\n'.encode())
        fork = _child_of(warm.pid, pause=0)
        time.sleep(wait)
    until(lambda: not os.path.exists(f"/proc/{fork}"))


def _child_of(pid, pause=0.05):
    return int(until(Path(f"/proc/{pid}/task/{pid}/children").read_text, pause=pause).split()[0])


def test_after_many_jobs_it_holds_what_it_held_after_a_few(warm, tmp_path):
    _ask(tmp_path, "builtins:print")
    before = _at_rest(warm.pid)
    for number in range(60):
        _ask(
            tmp_path, "os:_exit" if number % 3 else "builtins:print", **({"status": 9} if number % 3 else {})
        )
    assert _at_rest(warm.pid) == before


def _at_rest(pid):
    """Files and threads once the last fork has been waited for."""
    found = until(lambda: not (now := held(pid)).children and now)
    return found.files, found.threads

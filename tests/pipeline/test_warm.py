"""Warm jobs: a fork does what the job's own process would, and fails as it would."""

import os
import socket
import subprocess
import sys
import time

import pytest

from fusionmedclip.pipeline.warm import call_warm, stop

SERVE = "from fusionmedclip.pipeline.warm import serve; serve({path!r}, preload=('json',))"


@pytest.fixture
def warm(tmp_path, monkeypatch):
    """A warm process that has imported next to nothing; the socket's path is short."""
    monkeypatch.chdir(tmp_path)
    process = subprocess.Popen([sys.executable, "-c", SERVE.format(path="w.sock")], stdin=subprocess.PIPE)
    for _ in range(200):
        if (tmp_path / "w.sock").exists():
            break
        time.sleep(0.05)
    yield process
    stop(process, tmp_path / "w.sock")


def _ask(tmp_path, function, **arguments):
    status = call_warm(function, arguments, log=str(tmp_path / "log"), path=tmp_path.__class__("w.sock"))
    return status, (tmp_path / "log").read_text()


def test_output_goes_to_the_log_of_the_job(warm, tmp_path):
    assert _ask(tmp_path, "builtins:print", sep="-", end="done") == (0, "done")


def test_an_exception_is_a_failure_with_its_traceback(warm, tmp_path):
    status, log = _ask(tmp_path, "json:loads", s="{")
    assert status == 1
    assert "JSONDecodeError" in log
    assert "Traceback" in log


def test_a_fork_that_dies_is_a_failure(warm, tmp_path):
    assert _ask(tmp_path, "os:_exit", status=9)[0] == 1
    assert _ask(tmp_path, "builtins:print", end="still there")[1] == "still there"


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
    for _ in range(200):
        with open(children) as file:
            if not file.read().split():
                return
        time.sleep(0.05)
    pytest.fail("a fork was not waited for")


def test_a_client_that_says_nothing_keeps_no_other_waiting(warm, tmp_path):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect("w.sock")
        assert _ask(tmp_path, "builtins:print", end="done") == (0, "done")


def test_nothing_answers_where_nothing_was_started(tmp_path):
    assert call_warm("builtins:print", {}, log=str(tmp_path / "log"), path=tmp_path / "none.sock") is None


def test_one_that_is_still_importing_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    slow = "import time; time.sleep(2); " + SERVE.format(path="w.sock")
    process = subprocess.Popen([sys.executable, "-c", slow], stdin=subprocess.PIPE)
    (tmp_path / "w.pid").write_text(str(process.pid))
    assert not (tmp_path / "w.sock").exists()
    assert _ask(tmp_path, "builtins:print", end="warm") == (0, "warm")
    stop(process, tmp_path / "w.sock")


def test_the_warm_process_ends_with_its_starter(warm):
    warm.stdin.close()
    assert warm.wait(timeout=20) == 0


def test_a_cancelled_job_ends_its_fork(warm, tmp_path):
    code = (
        "from pathlib import Path; from fusionmedclip.pipeline.warm import call_warm;"
        "call_warm('subprocess:call', {'args': ['sleep', '600']}, log='log', path=Path('w.sock'))"
    )
    client = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    fork = _child_of(warm.pid)
    client.kill()
    client.wait()
    for _ in range(200):
        if not os.path.exists(f"/proc/{fork}"):
            break
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{fork}")


def _child_of(pid):
    for _ in range(200):
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = file.read().split()
        if children:
            return int(children[0])
        time.sleep(0.05)
    pytest.fail("no fork was made")

"""Heads: who lives is asked of the kernel; what a killed one leaves is taken away, and its jobs end."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fusionmedclip.pipeline import heads
from tests.patience import until

HEAD = """
import subprocess, sys, time
from pathlib import Path
from fusionmedclip.pipeline.heads import enter

head = enter()
Path(".snakemake/locks").mkdir(exist_ok=True)
Path(".snakemake/locks/0.output.lock").write_text("results/table.csv")
head.admit()
job = f"from fusionmedclip.pipeline.heads import follow; follow({head.address!r}); print('job', flush=True); "
if len(sys.argv) > 1:
    subprocess.Popen([sys.executable, "-c", job + sys.argv[1]])
print("head", flush=True)
time.sleep(900)
"""
LOCK = Path(".snakemake/locks/0.output.lock")
NOT_BY_THE_KERNEL = "import ctypes, time; ctypes.CDLL(None).prctl(1, 0); time.sleep(900)"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()


def _head(root, *job, code=HEAD):
    """A head that has its lock, in a process of its own."""
    command = [sys.executable, "-c", code, *job]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    process.said = [process.stdout.readline() for _ in range(1 + len(job))]
    return process


def _kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_killed_heads_lock_and_leavings_are_taken_away_and_said(root, capfd):
    process = _head(root)
    (record,) = Path(".snakemake/heads").glob("*.json")
    for outputs in (["results/table.csv", "results/other.csv"], [Path("results/features")]):
        address = {"host": socket.gethostname(), "record": str(record)}
        code = "from pathlib import *; from fusionmedclip.pipeline.heads import follow; "
        code += f"follow({address}, outputs={outputs})"
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": str(root)})
    Path("results/.table.csv.0a1b2c3d.part").write_text("half")
    Path("results/.features.0a1b2c3d.part").mkdir()
    strangers = [".draft.part", ".submitted.csv.0a1b2c3d.part"]  # no job of this head is at them
    for name in strangers:
        Path("results", name).touch()
    Path("results/table.csv").write_text("whole")
    Path("results/data.part").write_text("a download that goes on")
    Path(".snakemake/scripts").mkdir()
    Path(".snakemake/scripts/tmpabc.run_job.py").touch()
    _kill(process)
    head = heads.enter()
    said = capfd.readouterr().err
    assert "an earlier start was killed" in said
    assert f"process {process.pid} on " in said
    assert "its lock is taken away, 2 unfinished files are removed, and this one goes on" in said
    assert not LOCK.exists()
    kept = [*strangers, "data.part", "table.csv"]
    assert sorted(path.name for path in Path("results").iterdir()) == sorted(kept)
    assert not list(Path(".snakemake/scripts").iterdir())
    head.leave()
    assert [path.name for path in Path(".snakemake/heads").iterdir()] == [".gate"]
    heads.enter().leave()
    assert capfd.readouterr().err == ""


def test_the_lock_of_a_living_head_stays_and_the_head_is_named(root, capfd):
    process = _head(root)
    try:
        head = heads.enter()
        said = capfd.readouterr().err
        assert f"another pipeline works in this folder: process {process.pid} on " in said
        assert LOCK.exists()
        head.leave()
    finally:
        _kill(process)


def test_the_lock_of_another_host_stays(root, capfd):
    """Also where its record is held by nobody whom this kernel knows."""
    process = _head(root)
    _kill(process)
    (record,) = Path(".snakemake/heads").glob("*.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "host": "elsewhere", "started": 0}))
    heads.enter().leave()
    assert "process" in capfd.readouterr().err
    assert LOCK.exists()
    LOCK.unlink()  # by `--unlock`
    heads.enter().leave()
    assert not record.exists()


def test_a_lock_that_nobody_has_recorded_stays(capfd):
    LOCK.parent.mkdir(parents=True)
    LOCK.touch()
    heads.enter().leave()
    assert LOCK.exists()


@pytest.mark.parametrize(
    "job", ["import time; time.sleep(900)", NOT_BY_THE_KERNEL], ids=["Linux", "elsewhere"]
)
def test_jobs_end_with_their_head_and_are_waited_for(root, job, capfd):
    process = _head(root, job)
    (record,) = Path(".snakemake/heads").glob("*.json")
    job_holds = heads._is_held(record.with_suffix(".jobs"), fcntl.LOCK_EX)
    assert job_holds
    _kill(process)
    begun = time.monotonic()
    heads.enter().leave()
    assert time.monotonic() - begun < 50
    assert not LOCK.exists()
    assert not _running(str(record))


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2)")
def test_linux_ends_a_job_that_watches_nothing(root):
    """As one that computes without ever letting another thread run."""
    deaf = HEAD.replace("import follow; follow", "import follow; from fusionmedclip.pipeline import heads; "
                        "heads._end_with = lambda watched: None; follow")  # fmt: skip
    process = _head(root, "import time; time.sleep(900)", code=deaf)
    (record,) = Path(".snakemake/heads").glob("*.json")
    assert _running(str(record))
    _kill(process)
    until(lambda: not _running(str(record)))


def _running(words):
    """Processes whose command holds some words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words in path.read_bytes().decode("utf-8", "replace"):
                found.append(path)
        except OSError:
            continue
    return found


def test_a_job_that_will_not_end_keeps_the_lock(root, capfd, monkeypatch):
    """Stopped, as by a disk that does not answer: a second job must not write beside it."""
    deaf = "import ctypes, os; ctypes.CDLL(None).prctl(1, 0); print('stopped', os.getpid(), flush=True)"
    deaf += "; os.kill(os.getpid(), 19)"
    process = _head(root, deaf)
    lines = [*process.said, process.stdout.readline()]
    (stopped,) = (int(line.split()[1]) for line in lines if line.startswith("stopped"))
    until(lambda: "State:\tT" in Path(f"/proc/{stopped}/status").read_text())
    _kill(process)
    try:
        with monkeypatch.context() as impatient:
            impatient.setattr(heads, "PATIENCE", 0.3)
            heads.enter().leave()
        assert "jobs of a killed start still run" in capfd.readouterr().err
        assert LOCK.exists()
    finally:
        os.kill(stopped, signal.SIGKILL)
    heads.enter().leave()
    assert not LOCK.exists()


def test_of_two_that_start_one_waits_until_the_other_has_its_lock(root, capfd):
    first = heads.enter()
    code = "from pathlib import Path; from fusionmedclip.pipeline.heads import enter; enter()"
    second = subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert "waiting until it has its lock" in second.stderr.readline()
    time.sleep(1)  # one that goes on has ended by then
    assert second.poll() is None
    LOCK.parent.mkdir()
    LOCK.touch()
    first.admit()
    assert (
        f"another pipeline works in this folder: process {os.getpid()}" in second.communicate(timeout=300)[1]
    )
    first.leave()


@pytest.mark.parametrize(
    "damage",
    ["", "[]", "null", '{"host": 3}', '{"host": "vm", "pid": "x", "started": 1e300}', '{"started": NaN}'],
)
def test_a_record_that_says_nothing_is_nobody_dead(root, damage, capfd):
    """Neither a traceback nor a reason to take a lock away; who starts is told which file it is."""
    process = _head(root)
    _kill(process)
    (record,) = Path(".snakemake/heads").glob("*.json")
    record.write_text(damage)
    heads.enter().leave()
    assert str(record) in capfd.readouterr().err
    assert LOCK.exists()


def test_what_is_no_file_among_the_records_stops_nobody(root, capfd):
    folder = Path(".snakemake/heads")
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe.json")
    (folder / "folder.json").mkdir()
    (folder / "link.json").symlink_to("nowhere")
    heads.enter().leave()
    LOCK.parent.mkdir()
    LOCK.touch()
    heads.enter().leave()
    assert "pipe.json" in capfd.readouterr().err
    assert LOCK.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes two users")
def test_another_users_dead_start_takes_no_living_heads_lock(root, capfd):
    """Records are readable and no more, as umask 022 makes them."""
    process = _head(root)
    try:
        for path in (Path(), Path("results"), *Path(".snakemake").rglob("*"), Path(".snakemake")):
            path.chmod(0o777 if path.is_dir() else 0o644)
        here = Path(".snakemake/heads")
        dead = {"host": os.uname().nodename, "pid": 1, "started": 0.0}
        (here / "nobody.json").write_text(json.dumps(dead))
        child = os.fork()
        if child == 0:
            try:
                os.seteuid(65534)
                heads.enter()
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert LOCK.exists()
        assert f"another pipeline works in this folder: process {process.pid}" in capfd.readouterr().err
    finally:
        _kill(process)


def test_a_job_whose_heads_record_is_gone_says_so_and_ends(root):
    code = "from fusionmedclip.pipeline.heads import follow; import socket; "
    code += "follow({'host': socket.gethostname(), 'record': 'gone.json'}); print('went on')"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert "gone.json is gone" in done.stderr

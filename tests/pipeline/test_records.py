"""Records of what results were made with: by the job that made them, and gone while it runs."""

import json
import os
import signal
import socket
import subprocess
import sys

from fusionmedclip.pipeline.heads import enter
from fusionmedclip.pipeline.records import differs, forget, record_path, remember

PARAMS = {
    "call": "json:loads",
    "arguments": {"k": 4, "layers": [1, 2]},
    "asks": [],
    "code": "c0de",
    "environment": "e4f",
    "above": "ab",
}
JOB = """
import runpy
from types import SimpleNamespace
from snakemake.iocontainers import InputFiles, OutputFiles
job = SimpleNamespace(
    rule="job", log=["log"], config={{"results": "results", **{config!r}}}, threads=1, resources={{}},
    input=InputFiles(), output=OutputFiles(["results/a/b.csv"]), params=[{params!r}],
)
runpy.run_path({script!r}, {{"snakemake": job}})
"""


WARM = "from fusionmedclip.pipeline.warm import serve; serve('w.sock', preload=('json',))"


def _run(folder, root, params, **config):
    script = str(root / "workflow_scripts/run_job.py")
    code = JOB.format(script=script, params=json.dumps(params), config=config)
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)


def test_a_record_lies_among_the_results_at_the_path_of_the_file(tmp_path):
    assert record_path("results/tiny/", "results/tiny/scores/a.csv") == record_path(
        "./results/tiny", "results/tiny/scores/a.csv"
    )
    path = record_path(tmp_path, tmp_path / "backbones/clip/settings.json")
    assert path == tmp_path / "records/backbones/clip/settings.json.json"


def test_it_tells_every_change_and_no_order(tmp_path):
    record = tmp_path / "records/a.json"
    assert differs(record, PARAMS)  # nobody knows
    remember(record, PARAMS)
    assert not differs(record, dict(reversed(PARAMS.items())))
    changes = [{"arguments": {"k": 4, "layers": [2, 1]}}, {"call": "json:dumps"}, {"asks": ["gpus"]}]
    for change in [*changes, {"code": ""}, {"environment": ""}, {"above": ""}]:
        assert differs(record, {**PARAMS, **change})
    forget(record, is_alone=True)
    forget(record, is_alone=False)
    assert differs(record, PARAMS)


def test_a_job_leaves_a_record_when_it_succeeds_and_none_when_it_fails(tmp_path, root):
    record = tmp_path / "results/records/a/b.csv.json"
    for text, status in (("{}", 0), ("{", 1)):
        params = {**PARAMS, "arguments": {"s": text}}
        done = _run(tmp_path, root, params)
        assert done.returncode == status, done.stderr
        assert differs(record, params) is bool(status)
        assert record.exists() is not bool(status)


KILLED = """
import os, pathlib, signal

def job(text):
    folder = pathlib.Path("results/a/.b.csv.0a1b2c3d.part")
    assert not folder.with_name(".b.csv.ffffffff.part").exists()
    folder.mkdir()
    (folder / "half").write_text(text)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_job_had_half_written_goes(tmp_path, root, monkeypatch):
    """By the job itself when its fork was killed; by the next attempt when it was, too. Others' stays."""
    monkeypatch.chdir(tmp_path)
    head = enter()
    (tmp_path / "killed.py").write_text(KILLED)
    folder, records = tmp_path / "results/a", tmp_path / "results/records/a"
    folder.mkdir(parents=True)
    records.mkdir(parents=True)
    others = [".b.csv.gz.0a1b2c3d.part", ".c.csv.0a1b2c3d.part", "b.csv.part"]
    for name in [*others, ".b.csv.ffffffff.part"]:
        (folder / name).touch()
    (records / ".b.csv.json.ffffffff.part").touch()

    asked = {**PARAMS, "call": "killed:job", "arguments": {"text": "x"}}
    environment = {**os.environ, "PYTHONPATH": str(root)}
    warm = subprocess.Popen(
        [sys.executable, "-c", WARM], cwd=tmp_path, stdin=subprocess.PIPE, env=environment
    )
    try:
        address = {"host": socket.gethostname(), "pid": warm.pid, "socket": "w.sock"}
        done = _run(tmp_path, root, asked, warm=address, head=head.address)
        assert done.returncode == 1, done.stderr
        assert "was killed" in (tmp_path / "log").read_text()
        assert sorted(path.name for path in folder.iterdir()) == sorted(others)
        assert not list(records.iterdir())
    finally:
        warm.communicate()
    assert _run(tmp_path, root, asked, head=head.address).returncode == -signal.SIGKILL
    done = _run(tmp_path, root, {**PARAMS, "arguments": {"s": "{}"}})
    assert done.returncode == 0
    assert (
        folder / ".b.csv.0a1b2c3d.part"
    ).is_dir()  # submitted, and no head has said that none else is at it
    done = _run(tmp_path, root, {**PARAMS, "arguments": {"s": "{}"}}, head=head.address)
    assert done.returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(others)
    head.leave()

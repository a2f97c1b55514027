"""Snakemake in a fork does what a Snakemake that is started does."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.patience import until
from tests.workflow.conftest import SNAKEMAKE
from tests.workflow.forks import can_fork, in_fork
from tests.workflow.warm_forks import Fork, address

SNAKEFILE = """
import os, sys, fusionmedclip

print(os.getcwd(), workflow._rundir, [*filter(os.path.isdir, sys.path)], sys.argv, fusionmedclip.__file__)
print(sorted(item for item in os.environ.items() if "PYTEST" not in item[0]), file=sys.stderr)

rule one:
    output: "one.txt"
    shell: "touch {output}"
"""


@pytest.mark.parametrize("target", ["one.txt", "two.txt"])
def test_a_fork_prints_what_a_start_prints(tmp_path, monkeypatch, target):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    command = [str(SNAKEMAKE), "--cores", "2", "--dry-run", "--", target]
    status, printed = in_fork(command, tmp_path)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert _timeless(printed) == _timeless(done.stdout + done.stderr)
    assert status == done.returncode


EXIT = """
import atexit

atexit.register(print, "left", flush=True)

rule one:
    output: "one.txt"
    shell:
        "touch {output}"
"""


def test_a_fork_runs_jobs_and_what_is_due_at_its_end(tmp_path):
    (tmp_path / "Snakefile").write_text(EXIT)
    status, printed = in_fork([str(SNAKEMAKE), "--cores", "1", "--quiet", "all", "--", "one.txt"], tmp_path)
    assert (status, (tmp_path / "one.txt").exists()) == (0, True), printed
    assert "left" in printed


def _timeless(printed: str) -> str:
    return re.sub(r"(\w{8}-\w{4}-.*|\[.*\d\d:\d\d:\d\d.*\]|Date: .*)$", "", printed, flags=re.M)


def test_another_environment_is_no_fork(monkeypatch):
    assert can_fork()
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert not can_fork()


@pytest.mark.slow
def test_a_warm_process_in_a_fork_knows_nothing_of_ours_and_ends_when_asked(tmp_path, monkeypatch):
    """Libraries are there, torch among them; folder and environment are its head's."""
    monkeypatch.chdir(tmp_path)
    seen = tmp_path / "seen"
    ours = '[n for n in sys.modules if n.partition(".")[0] == "fusionmedclip"]'
    code = (
        "import json, os, sys, time\n"
        "torch = 'torch' in sys.modules\n"
        f"told = dict(ours={ours}, torch=torch, cwd=os.getcwd(), A=os.environ['A'])\n"
        "with open('told', 'w') as file: json.dump(told, file)\n"
        "os.rename('told', 'seen')\n"
        "time.sleep(900)"
    )
    fork = Fork(code, {"A": "a"}, address())
    until(seen.exists)
    assert json.loads(seen.read_text()) == {"ours": [], "torch": True, "cwd": str(tmp_path), "A": "a"}
    fork.terminate()
    fork.wait()
    until(lambda: not Path(f"/proc/{fork.pid}").exists())

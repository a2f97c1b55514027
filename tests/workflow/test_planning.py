"""A plan in a fork is the plan of a Snakemake that is started."""

import re
import subprocess

import pytest

from tests.workflow.conftest import SNAKEMAKE
from tests.workflow.planning import can_fork, plan

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
    status, printed = plan(command, tmp_path)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert _timeless(printed) == _timeless(done.stdout + done.stderr)
    assert status == done.returncode


def _timeless(printed: str) -> str:
    return re.sub(r"(\w{8}-\w{4}-.*|\[.*\d\d:\d\d:\d\d.*\]|Date: .*)$", "", printed, flags=re.M)


def test_another_environment_is_no_fork(monkeypatch):
    assert can_fork()
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert not can_fork()

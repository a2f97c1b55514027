"""A row of Table 8 through SLURM with a cancelled job and a killed head is the row of a local run."""

import os
import re
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.patience import until
from tests.workflow.conftest import SNAKEMAKE, Workflow
from tests.workflow.slurm_node import stop, why_none

pytestmark = pytest.mark.long

PROFILE = ["--workflow-profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1"]
ROW = "results/tiny/tables/table8/row_4.csv"  # the shortest way to a row that trains
GROUP = "rule_data_"  # how the executor's comment of the group `data` begins
PATIENCE = 1500


@pytest.fixture(scope="module")
def cluster():
    if reason := why_none():
        pytest.skip(reason)
    yield
    stop()


def head(workflow: Workflow, *arguments: str) -> subprocess.Popen:
    """Snakemake on the login node."""
    command = [SNAKEMAKE, *PROFILE, "--latency-wait", "20", "--configfile", "tiny.yaml", *arguments]
    return subprocess.Popen(
        [*map(str, command)],
        cwd=workflow.folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def running(workflow: Workflow) -> dict[str, str]:
    """Comments of the jobs of a workflow that run, by id."""
    said = subprocess.check_output(["squeue", "--me", "-h", "-t", "RUNNING", "-o", "%i|%Z|%k"], text=True)
    jobs = [line.split("|", 2) for line in said.splitlines()]
    return {name: comment for name, place, comment in jobs if Path(place) == workflow.folder}


def _until(pattern: str, process: subprocess.Popen, wanted: bool) -> str:
    """What a process prints until it says something, if that is wanted."""
    printed = ""
    while wanted and not re.search(pattern, printed):
        line = process.stdout.readline()
        assert line, printed[-4000:]
        printed += line
    return printed


def one_seed(workflow: Workflow) -> Workflow:
    """Of two: each job of a cluster starts Snakemake twice and imports what it computes with anew."""
    workflow.change("seeds: [0, 1]", "seeds: [0]")
    return workflow


def test_a_cancelled_job_and_a_killed_head(cluster, workflow, root, tmp_path):
    one_seed(workflow)
    first = head(workflow, "--", ROW)
    wait = partial(until, by=first, seconds=PATIENCE, pause=0.2)
    cancelled, comment = wait(
        lambda: next((job for job in running(workflow).items() if job[1].startswith(GROUP)), None)
    )
    beside = head(workflow, "--", ROW)  # by mistake, while the first one lives
    subprocess.run(["scancel", cancelled], check=True)  # at once: a job may be as short as a start
    again = wait(lambda: [n for n, c in running(workflow).items() if c == comment and n != cancelled])
    printed = beside.communicate(timeout=PATIENCE)[0]
    assert beside.returncode
    assert "cannot be locked" in printed
    assert "scancel" not in printed
    first.send_signal(signal.SIGKILL)
    printed = first.communicate()[0]
    assert "Trying to restart" in printed

    unlocked = head(workflow, "--unlock")
    assert unlocked.wait() == 0, unlocked.communicate()[0]
    halted = subprocess.run(["scontrol", "suspend", again[0]]).returncode == 0  # else it has ended by now
    second = head(workflow, "--", ROW)
    printed = _until(r"jobs of an earlier start .*scancel ([\d ]+)", second, halted)
    if halted:
        assert again[0] in re.findall(r"scancel ([\d ]+)", printed)[-1].split()
        subprocess.run(["scontrol", "resume", again[0]], check=True)
    printed += second.communicate(timeout=PATIENCE)[0]
    assert second.returncode == 0, printed[-4000:]
    rules = comment.partition("_wildcards")[0].removeprefix("rule_").removeprefix("group_")
    submitted = re.findall(r"submitted with SLURM jobid \d+ \(log: \S*/((?:rule|group)_\S+?)/", printed)
    assert not [name for name in submitted if rules in name], "what still ran was submitted once more"

    alone = one_seed(Workflow(tmp_path, root))
    alone.run("--", ROW)
    assert (workflow.folder / ROW).read_bytes() == (alone.folder / ROW).read_bytes()

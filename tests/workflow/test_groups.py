"""One bad job of a submission costs the others nothing; a stand-in of a scheduler runs what it is given."""

import os
import subprocess
from collections import Counter

import pytest

from tests.workflow.conftest import SNAKEMAKE

pytestmark = pytest.mark.slow

SPLIT = "results/tiny/datasets/busi/split_paper.csv"
GOOD, ONCE, BAD = (f"results/tiny/support/busi/paper/k{k}_seed0.csv" for k in (2, 3, 60))  # of a pool of 6
TRIGGERS = ["--rerun-triggers", "mtime", "params", "input"]
AFTER = f"""

rule after:
    input:
        "{GOOD}",
    output:
        "after.txt",
    localrule: True
    shell:
        "touch {{output}}"
"""
SCRIPT = f"""    with open("ran.txt", "a") as ran:
        ran.write(snakemake.output[0] + "\\n")
    if snakemake.output[0] == "{ONCE}" and not os.path.exists("once.txt"):
        open("once.txt", "w").close()
        os._exit(137)  # as by the kernel for want of memory
    params = json.loads("""


@pytest.fixture(scope="module")
def printed(workflow) -> str:
    """What the head says of three jobs in one: one is good, one is ended once, one cannot succeed."""
    workflow.change("    params = json.loads(", SCRIPT, "workflow_scripts/run_job.py")
    (workflow.folder / "Snakefile").write_text((workflow.folder / "Snakefile").read_text() + AFTER)
    workflow.run("--config", "warm_jobs=False", "--", SPLIT)
    submit = workflow.folder / "submit"
    submit.write_text('#!/bin/sh\nsetsid "$1" > /dev/null 2>&1 &\necho $!\n')
    submit.chmod(0o755)
    command = [SNAKEMAKE, "--jobs", "4", "--workflow-profile", "none", "--configfile", "tiny.yaml"]
    command += ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", submit]
    command += ["--config", "warm_jobs=False", "--keep-going", "--retries", "2", *TRIGGERS]
    command += ["--groups", "draw_support=data", "--group-components", "data=3"]
    command += ["--", GOOD, ONCE, BAD, "after.txt"]
    done = subprocess.run(
        [*map(str, command)],
        cwd=workflow.folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode, "a job has failed for good"
    return done.stdout + done.stderr


def test_only_what_may_succeed_is_tried_again(printed, workflow):
    assert printed.count("Submitted group job") == 2
    ran = Counter((workflow.folder / "ran.txt").read_text().split())
    assert {path: ran[path] for path in (GOOD, ONCE, BAD)} == {GOOD: 1, ONCE: 2, BAD: 1}


def test_what_is_done_is_kept_and_what_waits_for_it_goes_on(printed, workflow):
    assert [(workflow.folder / path).exists() for path in (GOOD, ONCE, BAD)] == [True, True, False]
    assert (workflow.folder / "after.txt").exists()


def test_the_next_start_does_not_make_it_again(printed, workflow):
    asked = ["--config", "warm_jobs=False", *TRIGGERS, "--dry-run", "--", GOOD, ONCE, "after.txt"]
    assert "Nothing to be done" in workflow.run(*asked)

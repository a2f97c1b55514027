"""One bad job of a submission costs the others nothing; a stand-in of a scheduler runs what it is given."""

import os
import re
import subprocess
from collections import Counter
from importlib.metadata import version

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


WANTED = [GOOD, ONCE, BAD, "after.txt"]


def head(workflow, *arguments: str, ok: bool, **environment: str) -> str:
    """What a Snakemake says that submits jobs."""
    submit = workflow.folder / "submit"
    submit.write_text('#!/bin/sh\nsetsid "$1" > /dev/null 2>&1 &\necho $!\n')
    submit.chmod(0o755)
    command = [SNAKEMAKE, "--jobs", "4", "--workflow-profile", "none", "--configfile", "tiny.yaml"]
    command += ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", submit]
    command += ["--config", "warm_jobs=False", "--keep-going", "--retries", "2", *TRIGGERS, *arguments]
    done = subprocess.run(
        [*map(str, command)],
        cwd=workflow.folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )
    printed = done.stdout + done.stderr
    assert (done.returncode == 0) is ok, printed[-4000:]
    return printed


@pytest.fixture(scope="module")
def printed(workflow) -> str:
    """What the head says of three jobs in one: one is good, one is ended once, one cannot succeed."""
    workflow.change("    params = json.loads(", SCRIPT, "workflow_scripts/run_job.py")
    (workflow.folder / "Snakefile").write_text((workflow.folder / "Snakefile").read_text() + AFTER)
    workflow.run("--config", "warm_jobs=False", "--", SPLIT)
    return head(
        workflow, "--groups", "draw_support=data", "--group-components", "data=3", "--", *WANTED, ok=False
    )


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


def test_a_group_of_which_nothing_is_left_is_not_tried_again(printed, workflow):
    """One of its jobs is done, the other would fail again."""
    other = GOOD.replace("seed0", "seed2")
    words = ["--groups", "draw_support=data", "--group-components", "data=2"]
    said = head(workflow, *words, "--", other, BAD, ok=False)
    assert said.count("Submitted group job") == 1
    assert "Trying to restart" not in said
    assert (workflow.folder / other).exists()


def test_what_is_installed_is_what_groups_were_tried_with(root):
    """After another came: read rules/groups.smk beside its scheduler, run this file, change TRIED."""
    (tried,) = re.findall(r'^TRIED = "(.*)"$', (root / "rules/groups.smk").read_text(), re.MULTILINE)
    assert version("snakemake").startswith(f"{tried}.")
    assert re.search(
        rf"^snakemake=={re.escape(tried)}\.", (root / "requirements.lock").read_text(), re.MULTILINE
    )


def test_another_snakemake_is_left_to_itself_and_that_is_said(printed, workflow, tmp_path):
    """What the good job of a group has made is removed, as Snakemake does."""
    (tmp_path / "snakemake-9.99.0.dist-info").mkdir()
    (tmp_path / "snakemake-9.99.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: snakemake\nVersion: 9.99.0\n"
    )
    other = GOOD.replace("seed0", "seed1")
    words = ["--groups", "draw_support=data", "--group-components", "data=2", "--retries", "0"]
    said = head(workflow, *words, "--", other, BAD, ok=False, PYTHONPATH=str(tmp_path))
    assert said.count("Snakemake 9.99.0: a submission of which one job fails is tried again as a whole") == 1
    assert other in (workflow.folder / "ran.txt").read_text()
    assert not (workflow.folder / other).exists()

"""Several runs on one card, by the profile that comes with the project."""

import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_runs_larger_than_the_card_are_named_once(root):
    """RegAD takes 9,000 MB and 250 for each of k images, or 500 of the 4 that it learns with (costs.yaml)."""
    command = [sys.executable, "-m", "snakemake", "--cores", "8", "--workflow-profile", "profiles/local-gpu"]
    command += [
        "--resources",
        "gpu=4",
        "gpu_mem_mb=10500",
        "--dry-run",
        "--quiet",
        "rules",
        "--",
        "method_regad",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-3000:]
    named = re.findall(r"^regad(.*?),? takes (\d+) MB of a card, and gpu_mem_mb gives 10500", printed, re.M)
    asked = {" at k = 8": 11000, " at k = 16": 13000, " at k = 32": 17000, ", learning ahead": 11000}
    assert sorted(named) == sorted((job, str(mb)) for job, mb in asked.items())

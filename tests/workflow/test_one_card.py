"""Several runs on one card, by the profile that comes with the project."""

import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_runs_larger_than_the_card_are_named_once(root):
    """RegAD takes 9,000 MB and 500 for each of its k images (costs.yaml): 17,000 at 16, 25,000 at 32."""
    command = [sys.executable, "-m", "snakemake", "--cores", "8", "--workflow-profile", "profiles/local-gpu"]
    command += [
        "--resources",
        "gpu=4",
        "gpu_mem_mb=16000",
        "--dry-run",
        "--quiet",
        "rules",
        "--",
        "method_regad",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-3000:]
    named = re.findall(
        r"^(\w+) at k = (\d+) takes (\d+) MB of a card, and gpu_mem_mb gives (\d+)", printed, re.M
    )
    assert sorted(named) == [("regad", "16", "17000", "16000"), ("regad", "32", "25000", "16000")]

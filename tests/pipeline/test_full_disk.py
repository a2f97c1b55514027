"""On a full disk a job's log cannot hold why it failed: the terminal does, and the same job then succeeds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

JOB = "from fusionmedclip.pipeline.calls import call; exit(call('filling:job', {}, log='full/job.log'))"
FILLING = """
import numpy as np


def job():
    np.save("full/array.npy", np.zeros(1 << 18))
"""


@pytest.fixture
def full(tmp_path):
    """A folder on a disk of 64 KB."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a disk of 64 KB")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _call(folder: Path, root: Path) -> subprocess.CompletedProcess:
    (folder / "filling.py").write_text(FILLING)
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{folder}"}
    return subprocess.run(
        [sys.executable, "-c", JOB], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_the_reason_reaches_the_terminal_and_a_restart_completes(full, root):
    done = _call(full.parent, root)
    assert done.returncode == 1
    assert "no space is left on the disk that full/job.log lies on" in done.stderr
    assert "Traceback" not in done.stderr
    subprocess.run(["mount", "-o", "remount,size=8m", str(full)], check=True)
    assert _call(full.parent, root).returncode == 0
    assert (full / "array.npy").stat().st_size == 8 * (1 << 18) + 128  # of numpy's header

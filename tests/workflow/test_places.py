"""A clone and its environment below a folder of an awkward name: jobs start, a warm process or none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.conftest import Workflow


@pytest.mark.slow
@pytest.mark.parametrize("warm", [False, True])
def test_jobs_start_below_a_path_with_spaces_and_a_quote(tmp_path: Path, root: Path, warm: bool) -> None:
    folder = tmp_path / "my supervisor's drive (copy)"
    folder.mkdir()
    Workflow(folder, root)
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    python = folder / ".venv" / "bin" / Path(sys.executable).name
    target = "results/tiny/datasets/busi/manifest.csv"
    command = [python, "-m", "snakemake", "--cores", "1", "--configfile", "tiny.yaml"]
    done = subprocess.run(
        [*command, "--config", f"warm_jobs={warm}", "--", target],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert (folder / target).is_file()

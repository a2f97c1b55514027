"""What the machine refuses a job reaches the terminal with file and hint; the same job then succeeds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fusionmedclip.pipeline.calls import refusal
from tests.ordinary_user import give_up_rights

JOBS = """
import resource
from pathlib import Path

import numpy as np

from fusionmedclip.outputs import whole_file


def read_split():
    with whole_file("support.csv") as temporary:
        temporary.write_text("image_id\\n")
        temporary.write_text(Path("split.csv").read_text())


def fill_memory(size):
    if size > 1 << 30:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 28),) * 2)
    with whole_file("support.csv") as temporary:
        temporary.write_text("image_id\\n")
        np.ones(size, np.uint8)
"""


def _call(folder: Path, root: Path, job: str) -> subprocess.CompletedProcess:
    (folder / "jobs.py").write_text(JOBS)
    code = f"from fusionmedclip.pipeline.calls import call; exit(call({job}, log='job.log'))"
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{folder}"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=give_up_rights,
    )


@pytest.fixture
def split(tmp_path: Path) -> Path:
    path = tmp_path / "split.csv"
    path.write_text("image_id\n00.png\n")
    path.chmod(0)
    return path


def test_an_input_that_may_not_be_read_is_named(split: Path, root: Path) -> None:
    done = _call(split.parent, root, "'jobs:read_split', {}")
    assert done.returncode == 1
    assert done.stderr.startswith("split.csv: Permission denied\n  Hint: its rights (ls -l) keep you out")
    assert "Traceback" not in done.stderr
    assert "Traceback" in (split.parent / "job.log").read_text()  # all of it, for who looks
    assert not [path for path in split.parent.iterdir() if path.name.startswith((".", "support"))]
    split.chmod(0o644)
    assert _call(split.parent, root, "'jobs:read_split', {}").returncode == 0
    assert (split.parent / "support.csv").read_text() == "image_id\n00.png\n"


def test_a_job_short_of_memory_says_so_and_may_be_tried_again(tmp_path: Path, root: Path) -> None:
    done = _call(tmp_path, root, "'jobs:fill_memory', {'size': 1 << 40}")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "it asks for more memory than there is\n  Hint: end other programs, or allow"
    )
    assert "mem_mb" in done.stderr
    assert not refusal(str(tmp_path / "job.log")).exists()  # with more memory it may succeed
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".", "support"))]
    assert _call(tmp_path, root, "'jobs:fill_memory', {'size': 1 << 10}").returncode == 0
    assert (tmp_path / "support.csv").is_file()

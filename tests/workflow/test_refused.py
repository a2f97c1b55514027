"""A workflow that may not read or write: one message on the terminal; then the same command completes."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.ordinary_user import give_up_rights
from tests.workflow.conftest import SNAKEMAKE
from tests.workflow.killed import DATA, left_over, make_copy, written

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A copy of the project in which all of a small target has run."""
    place = make_copy(tmp_path_factory.mktemp("refused").resolve() / "project")
    _run(place)
    return place


def _run(folder: Path, *arguments: str, ok: bool = True) -> str:
    """Snakemake as an ordinary user starts it; what it printed."""
    command = [str(SNAKEMAKE), "--cores", "2", "--quiet", "rules", "--configfile", "tiny.yaml", *arguments]
    done = subprocess.run(
        [*command, "--", DATA],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        preexec_fn=give_up_rights,
        timeout=300,
    )
    printed = done.stdout + done.stderr
    assert (done.returncode == 0) is ok, printed
    return printed


def test_a_picture_that_may_not_be_read_is_named_by_the_job_that_wants_it(folder: Path) -> None:
    whole = written(folder)
    picture = min((folder / "results/tiny/datasets/busi/phantoms/normal").iterdir())
    picture.chmod(0)
    for made in (DATA, *(f"results/tiny/datasets/busi/{name}.csv" for name in ("manifest", "split_paper"))):
        (folder / made).unlink()
    printed = _run(folder, ok=False)
    assert f"{picture.relative_to(folder)}: cannot be read as file (Permission denied)" in printed
    assert "Hint: its rights" in printed
    assert "list_dataset failed; what went wrong stands in results/tiny/logs/list_dataset" in printed
    assert "Traceback" not in printed
    picture.chmod(0o644)
    _run(folder)
    assert written(folder) == whole
    assert not left_over(folder)


def test_folders_that_may_only_be_read_are_named_before_anything_is_lost(folder: Path) -> None:
    whole = written(folder)
    records, support = folder / ".snakemake", folder / Path(DATA).parent
    records.chmod(0o555)
    printed = _run(folder, "--forcerun", "draw_support", ok=False)
    assert f"keeps its records and its lock in {records}, and cannot" in printed
    assert "Traceback" not in printed
    records.chmod(0o755)
    support.chmod(0o555)
    printed = _run(folder, "--forcerun", "draw_support", ok=False)
    assert f"nothing can be written in {support.relative_to(folder)} (its rights, ls -ld)" in printed
    assert written(folder) == whole
    support.chmod(0o755)
    assert "nothing can be written" not in _run(folder, "--forcerun", "draw_support")
    assert written(folder) == whole
    assert not left_over(folder)


def test_a_file_in_place_of_the_results_is_told_at_once(folder: Path) -> None:
    said = _run(folder, "--config", "results=tiny.yaml", "--dry-run", ok=False)
    assert "results: a file stands in their place" in said
    assert "NotADirectoryError" not in said

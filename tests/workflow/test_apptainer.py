"""``--sdm apptainer`` with a stand-in of apptainer: jobs run in the image that the configuration names."""

import os
import subprocess
import sys

import pytest

from tests.workflow.conftest import SNAKEMAKE

pytestmark = pytest.mark.slow

MANIFEST = "results/tiny/datasets/busi/manifest.csv"
IMAGE = "docker://registry.example/fusionmedclip:v0.1.0"
APPTAINER = f"""#!{sys.executable}
import os, sys

words = sys.argv[1:]
with open(os.path.join(os.path.dirname(__file__), "asked.txt"), "a") as asked:
    print(*words, file=asked)
if words == ["--version"]:
    print("apptainer version 1.3.0")
elif words[0] == "pull":
    open(words[2], "w").close()
elif "exec" in words:
    os.execvp(words[-3], words[-3:])  # a shell; what comes before it is the image and how to enter it
"""


@pytest.fixture
def start(workflow, tmp_path):
    """Starts Snakemake with the stand-in; returns its status, what it prints and what apptainer was asked."""
    (tmp_path / "apptainer").write_text(APPTAINER)
    (tmp_path / "apptainer").chmod(0o755)
    path = f"{tmp_path}:{os.path.dirname(SNAKEMAKE)}:{os.environ['PATH']}"

    def call(*words: str) -> tuple[int, str, list[str]]:
        done = subprocess.run(
            [SNAKEMAKE, "--cores", "1", "--configfile", "tiny.yaml", *words],
            cwd=workflow.folder,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        )
        asked = tmp_path / "asked.txt"
        return (
            done.returncode,
            done.stdout + done.stderr,
            asked.read_text().splitlines() if asked.exists() else [],
        )

    return call


def test_every_job_runs_in_the_image(start, workflow):
    status, printed, asked = start(
        "--sdm", "apptainer", "--config", f"software={{image: '{IMAGE}'}}", "--", MANIFEST
    )
    assert status == 0, printed[-4000:]
    assert [line.split()[-1] for line in asked if line.startswith("pull")] == [IMAGE]
    assert sum(" exec " in f" {line} " for line in asked) == 2  # phantoms and their manifest
    assert (workflow.folder / MANIFEST).is_file()


def test_without_the_option_apptainer_is_not_asked(start):
    """Nor does the image decide a job's parameters: test_conda.py."""
    status, printed, asked = start("--config", f"software={{image: '{IMAGE}'}}", "--dry-run", "--", MANIFEST)
    assert (status, asked) == (0, []), printed[-4000:]


def test_without_an_image_the_option_does_nothing(start):
    status, printed, asked = start("--sdm", "apptainer", "--dry-run", "--", MANIFEST)
    assert status == 0, printed[-4000:]
    assert not any(" exec " in f" {line} " for line in asked)


def test_an_image_beside_conda_is_refused(start):
    words = ["--sdm", "apptainer", "conda", "--config", f"software={{image: '{IMAGE}'}}", "--dry-run"]
    status, printed, _ = start(*words, "--", MANIFEST)
    assert status != 0
    assert "leave --use-conda out" in printed

"""``--use-conda`` with a stand-in of conda: what it is asked to make, and that jobs run in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.workflow.conftest import SNAKEMAKE

pytestmark = pytest.mark.slow

MANIFEST = "results/tiny/datasets/busi/manifest.csv"
BACKBONE = "results/tiny/backbones/clip/model.safetensors"
CONDA = f"""#!{sys.executable}
import json, shutil, sys
from pathlib import Path

base, words = Path(__file__).parents[1], sys.argv[1:]
if words[0] == "info":
    print(json.dumps({{"conda_prefix": str(base), "platform": "linux-64"}}))
elif words[0] == "--version":
    print("conda 25.1.0")
elif words[0] == "config":
    print(json.dumps({{"get": {{"channel_priority": "strict"}}}}))
elif words[:2] == ["env", "create"]:
    file, prefix = (words[words.index(name) + 1] for name in ("--file", "--prefix"))
    made = Path(prefix)
    (made / "bin").mkdir(parents=True)
    shutil.copy(file, made / "asked.yaml")
    python = made / "bin/python"
    python.write_text(f'#!/bin/sh\\necho "$@" >> {{made}}/ran.txt\\nexec {sys.executable} "$@"\\n')
    python.chmod(0o755)
"""


@pytest.fixture(scope="module")
def run(workflow, tmp_path_factory):
    """Runs Snakemake with the stand-in; returns what was made, beside what has run in it."""
    base = tmp_path_factory.mktemp("conda")
    (base / "bin").mkdir()
    (base / "bin/conda").write_text(CONDA)
    (base / "bin/conda").chmod(0o755)
    (base / "bin/activate").write_text('export PATH="$1/bin:$PATH"\n')

    def call(place: Path, *words: str) -> list[Path]:
        command = [
            SNAKEMAKE,
            "--use-conda",
            "--conda-prefix",
            place,
            "--cores",
            "1",
            "--configfile",
            "tiny.yaml",
        ]
        done = subprocess.run(
            [*map(str, command), *words],
            cwd=workflow.folder,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": f"{base}/bin:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return sorted(path.parent for path in place.glob("*/asked.yaml"))

    return call


@pytest.fixture(scope="module")
def environments(run, tmp_path_factory) -> list[Path]:
    """Of the jobs of two rules."""
    return run(tmp_path_factory.mktemp("made"), "--", MANIFEST)


def test_conda_is_given_the_environment_of_the_rules_as_it_stands(environments, root):
    """These jobs compute nothing with a network: one environment, the small one."""
    (made,) = environments
    asked = yaml.safe_load((made / "asked.yaml").read_text())
    assert asked == yaml.safe_load((root / "envs/data.yaml").read_text())


def test_jobs_run_in_it(environments, workflow):
    (made,) = environments
    ran = (made / "ran.txt").read_text()
    assert ran.count("run_job.py") == 2  # phantoms and their manifest
    assert (workflow.folder / MANIFEST).is_file()


@pytest.mark.parametrize(
    ("build", "file"), [("cuda13", "torch"), ("cuda12", "torch-cuda12"), ("cpu", "torch-cpu")]
)
def test_the_configuration_says_which_torch_is_installed(run, root, tmp_path, build, file):
    words = ["--conda-create-envs-only", "--config", f"software={{torch: {build}}}", "--", BACKBONE]
    (made,) = run(tmp_path, *words)
    asked = yaml.safe_load((made / "asked.yaml").read_text())
    assert asked == yaml.safe_load((root / f"envs/{file}.yaml").read_text())


def test_where_nothing_is_installed_the_choice_reruns_nothing(workflow, root, tmp_path):
    """Jobs run with what is there; a choice that decides nothing is none of their parameters."""
    (workflow.folder / "chosen.yaml").write_text("software: {torch: cpu, image: 'docker://an/image'}\n")
    found = []
    for configs in ("tiny.yaml", "tiny.yaml,chosen.yaml"):
        command = [
            sys.executable,
            root / "tests/workflow/list_jobs.py",
            tmp_path / "jobs.json",
            configs,
            BACKBONE,
        ]
        subprocess.run([*map(str, command)], cwd=workflow.folder, capture_output=True, check=True)
        found.append(json.loads((tmp_path / "jobs.json").read_text())["jobs"])
    assert found[0] == found[1] != []

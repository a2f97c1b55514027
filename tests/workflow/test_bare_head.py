"""A head of Snakemake alone has its jobs run inside environments of conda, by a conda of py-rattler."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from tests.workflow.conftest import Workflow

HERE = Path(__file__).parent
UV = Path(sys.prefix, "bin/uv")
MANIFEST = "results/tiny/datasets/busi/manifest.csv"  # in the environment of what computes without torch
BACKBONE = "results/tiny/backbones/clip/model.safetensors"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(find_spec("rattler") is None, reason="no py-rattler"),
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="environments are of Python 3.11"),
    pytest.mark.skipif(not UV.exists(), reason="no uv in this environment"),
]


def install(*words: object) -> None:
    """By uv, with the lock's versions; skip where there is nothing to install from."""
    done = subprocess.run([UV, "pip", "install", "--quiet", *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"packages cannot be installed: {done.stderr[-500:]}")


@pytest.fixture(scope="module")
def head(root, tmp_path_factory) -> Path:
    """The interpreter of an environment that has Snakemake and what Snakemake brings."""
    folder = tmp_path_factory.mktemp("head")
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    python = folder / "bin/python"
    install("--python", python, f"snakemake=={version('snakemake')}", "-c", root / "requirements.lock")
    return python


@pytest.fixture(scope="module")
def conda(tmp_path_factory) -> Path:
    """A folder with the commands of a conda."""
    from tests.workflow.conda_rattler import make_channel

    base = tmp_path_factory.mktemp("conda")
    make_channel(base / "channel")
    (base / "bin").mkdir()
    command = f'#!/bin/sh\nexec {sys.executable} {HERE / "conda_rattler.py"} {base / "channel"} "$@"\n'
    (base / "bin/conda").write_text(command)
    (base / "bin/conda").chmod(0o755)
    (base / "bin/activate").write_text('export PATH="$1/bin:$PATH"\n')
    return base / "bin"


@pytest.fixture
def environments(tmp_path) -> Iterator[Path]:
    """A folder for them, which goes: the one with torch takes 6 GB where it cannot be linked."""
    yield tmp_path / "environments"
    shutil.rmtree(tmp_path / "environments", ignore_errors=True)


def finds(python: Path, module: str) -> bool:
    return subprocess.run([python, "-I", "-c", f"import {module}"], capture_output=True).returncode == 0


def test_jobs_run_inside_what_the_head_has_not(head, conda, environments, workflow, root, tmp_path):
    assert [finds(head, name) for name in ("snakemake", "yaml", "jsonschema")] == [True] * 3
    assert [finds(head, name) for name in ("torch", "numpy", "PIL", "fusionmedclip")] == [False] * 4
    words = ["--use-conda", "--conda-prefix", environments, "--cores", "1", "--configfile", "tiny.yaml"]
    done = subprocess.run(
        [head, "-m", "snakemake", *map(str, words), "--", MANIFEST, BACKBONE],
        cwd=workflow.folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{conda}:{head.parent}:/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]

    assert (workflow.folder / BACKBONE).is_file()
    (tmp_path / "alone").mkdir()
    alone = Workflow(tmp_path / "alone", root)  # in the environment of this test
    alone.run("--config", "warm_jobs=False", "--", MANIFEST)
    assert (workflow.folder / MANIFEST).read_bytes() == (alone.folder / MANIFEST).read_bytes()

    inside = {}  # as it was installed, of each file
    for file in environments.glob("*.yaml"):
        python = file.with_suffix("") / "bin/python"
        said = subprocess.check_output([UV, "pip", "freeze", "--quiet", "--python", python], text=True)
        pins = yaml.safe_load(file.read_text())["dependencies"][-1]["pip"]
        inside[finds(python, "torch")] = sorted(said.split()) == sorted(pin.split()[0] for pin in pins)
    assert inside == {False: True, True: True}

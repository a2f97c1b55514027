"""What SLURM is asked for where a profile names a kind of GPU, and several nodes for Stage 1."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

LIST = Path(__file__).with_name("list_submissions.py")
ROOT = LIST.parents[2]
SITE = {
    "set-resources": {"pretrain_backbone": {"nodes": 2}},
    "default-resources": {"gpu_model": "a100"},  # of every rule, which is the most that a profile can say
}
FOUR = {"backbones": {"roco_clip": {"stage1": {"processes": 4}}}}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def submissions(tmp_path_factory) -> list[dict]:
    """Of Table 8."""
    folder = tmp_path_factory.mktemp("profile")
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    for key, value in SITE.items():
        profile[key] = profile.get(key, {}) | value
    (folder / "config.yaml").write_text(yaml.safe_dump(profile))
    (folder / "four.yaml").write_text(yaml.safe_dump(FOUR))
    command = [sys.executable, LIST, folder / "out.json", folder, folder / "four.yaml", "table8"]
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return json.loads((folder / "out.json").read_text())


def test_a_kind_of_gpu_is_asked_for_with_a_gpu_alone(submissions):
    gpus = {
        bool(submission["resources"].get("gpu")): {word for word in submission["sbatch"] if "gpus" in word}
        for submission in submissions
        if submission["name"] != "pretrain_backbone"
    }
    assert gpus == {True: {"--gpus=a100:1"}, False: set()}


def test_stage_1_on_two_nodes(submissions):
    """sbatch(1): --mem is of each node, --cpus-per-task of each task; the executor starts none itself."""
    (stage1,) = [submission for submission in submissions if submission["name"] == "pretrain_backbone"]
    words = " ".join(stage1["sbatch"])
    for asked in ("--nodes=2", "--ntasks=2", "--gpus=a100:4", "--gpus-per-node=a100:2", "--cpus-per-task=2"):
        assert asked in stage1["sbatch"]
    assert "--mem 32000" in words  # two processes of 16 GB on each
    assert "ntasks-per-gpu" not in words
    assert stage1["resources"]["mpi"]

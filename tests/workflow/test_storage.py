"""Results in an object storage: the provider of a plain folder stands for S3's and GCS's."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.workflow.conftest import Workflow

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("snakemake_storage_plugin_fs") is None, reason="no snakemake-storage-plugin-fs"
    ),
]

SPLIT = "results/tiny/datasets/busi/split_paper.csv"


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("store")


def stored(store: Path) -> list[str]:
    return ["--default-storage-provider", "fs", "--default-storage-prefix", str(store)]


def test_every_target_plans(workflow, store):
    for target in ("all", "crate"):
        assert "run_method" in workflow.run("--dry-run", "--quiet", "rules", *stored(store), "--", target)


@pytest.mark.skipif(shutil.which("rsync") is None, reason="the provider copies with rsync")
def test_jobs_read_from_it_and_write_to_it(workflow, store, root, tmp_path):
    workflow.run(*stored(store), "--config", "warm_jobs=False", "--", SPLIT)
    assert not (workflow.folder / "results/tiny/datasets").exists()
    here = Workflow(tmp_path, root)
    here.run("--", SPLIT)
    assert (store / SPLIT).read_bytes() == (here.folder / SPLIT).read_bytes()


def test_a_second_start_finds_everything_done(workflow, store):
    if not (store / SPLIT).exists():
        pytest.skip("nothing was stored")
    assert "Nothing to be done" in workflow.run(*stored(store), "--dry-run", "--", SPLIT)


@pytest.mark.skipif(
    find_spec("snakemake_executor_plugin_kubernetes") is None,
    reason="no snakemake-executor-plugin-kubernetes",
)
def test_the_profile_for_kubernetes_plans(workflow, store):
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/kubernetes", "--dry-run"]
    command += ["--configfile", "tiny.yaml", *stored(store), "--", "all"]
    done = subprocess.run(command, cwd=workflow.folder, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]

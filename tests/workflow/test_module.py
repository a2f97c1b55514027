"""The workflow as a module of another one, by the example of its page, and from anywhere."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from fusionmedclip.config import load_config
from tests.workflow.conftest import SNAKEMAKE

pytestmark = pytest.mark.slow

MANIFEST = "thesis/results/tiny/datasets/busi/manifest.csv"


def call(*command: object, folder: Path) -> str:
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-4000:]
    return printed


@pytest.fixture(scope="module")
def repository(workflow) -> tuple[Path, str]:
    """A repository of the workflow, and its commit."""
    folder = workflow.folder
    for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -q -m one"):
        call("git", *command.split(), folder=folder)
    return folder, call("git", "rev-parse", "HEAD", folder=folder).strip()


@pytest.fixture(scope="module")
def mine(repository, root, tmp_path_factory) -> Path:
    """The folder of somebody else's workflow, as the page has it, GitHub apart."""
    folder = tmp_path_factory.mktemp("mine")
    page = (root / "docs/module.md").read_text(encoding="utf-8")
    (example,) = re.findall(
        r'^``` ?\{ \.text title="Snakefile of your workflow" \}\n(.*?)^```', page, re.M | re.S
    )
    place = f'gitfile("{repository[0]}", path="workflow/Snakefile", commit="{repository[1]}")'
    written, count = re.subn(r"github\(.*\)", place, example)
    assert count == 1
    (folder / "Snakefile").write_text(written)
    (example,) = re.findall(
        r'^```{ \.yaml title="config.yaml of your workflow" }\n(.*?)^```', page, re.M | re.S
    )
    config = yaml.safe_load(example)
    config["fusionmedclip"] |= tiny(root)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def tiny(root: Path) -> dict:
    """A small configuration."""
    text = (root / "tests/workflow/tiny.yaml").read_text().replace("RESULTS", "results/tiny")
    return {**yaml.safe_load(text), "warm_jobs": False}


def test_the_example_plans_one_row_of_table_8(mine):
    printed = call(SNAKEMAKE, "--cores", 1, "--dry-run", folder=mine)
    assert re.search(r"^thesis_run_method +2$", printed, re.MULTILINE)
    assert "thesis/results/tiny/tables/table8/row_4.csv" in printed


def test_its_jobs_run(mine):
    call(SNAKEMAKE, "--cores", 1, "--", MANIFEST, folder=mine)
    assert len((mine / MANIFEST).read_text().splitlines()) == 1 + 14 + 8
    assert not (mine / "results").exists()


def test_a_second_start_finds_everything_done(mine):
    assert "Nothing to be done" in call(SNAKEMAKE, "--cores", 1, "--", MANIFEST, folder=mine)


def test_a_rule_may_be_replaced(mine, tmp_path):
    """The module is read once more for it; what it plans, and the prefix, stay."""
    text = (mine / "Snakefile").read_text()
    head, rest = text.split("rule all:")
    replaced = "use rule run_method from thesis as thesis_run_method with:\n    resources: mem_mb=1234\n\n"
    (tmp_path / "Snakefile").write_text(f"{head}{replaced}rule all:{rest}")
    shutil.copy(mine / "config.yaml", tmp_path)
    plan = (SNAKEMAKE, "--cores", 1, "--dry-run", "--forceall")
    printed, plain = call(*plan, folder=tmp_path), call(*plan, folder=mine)
    assert "mem_mb=1234" in printed
    planned = re.compile(r"^(thesis_\w+ +\d+)$", re.MULTILINE)
    assert planned.findall(printed) == planned.findall(plain)
    assert "thesis/results/tiny/tables/table8/row_4.csv" in printed
    assert "thesis/thesis" not in printed


def test_a_deployment_as_snakedeploy_writes_it(repository, root, tmp_path):
    """It copies `config/`, puts the module into `workflow/Snakefile` and hands `config` over whole."""
    shutil.copytree(root / "config", tmp_path / "config")
    overlay = tmp_path / "config/config.yaml"
    overlay.write_text(yaml.safe_dump(yaml.safe_load(overlay.read_text()) | tiny(root)))
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text(
        'configfile: "config/config.yaml"\n\n\nmodule fusionmedclip:\n    snakefile:\n'
        f'        gitfile("{repository[0]}", path="workflow/Snakefile", commit="{repository[1]}")\n'
        "    config:\n        config\n\n\nuse rule * from fusionmedclip\n"
    )
    printed = call(SNAKEMAKE, "--cores", 1, "--dry-run", "--", "table8_row_4", folder=tmp_path)
    assert re.search(r"^run_method +2$", printed, re.MULTILINE)
    assert " results/tiny/tables/table8/row_4.csv" in printed


def test_what_is_deployed_is_an_overlay_that_changes_nothing(root):
    assert (root / "config/README.md").is_file()
    assert load_config([root / "config/config.yaml"]).data == load_config([]).data


def test_from_anywhere(repository, tmp_path):
    folder = repository[0]
    command = [
        SNAKEMAKE,
        "-s",
        folder / "workflow/Snakefile",
        "--directory",
        tmp_path,
        "--cores",
        1,
        "--dry-run",
    ]
    printed = call(
        *command, "--configfile", folder / "tiny.yaml", "--", "table8_row_4", folder=tmp_path.parent
    )
    assert re.search(r"^run_method +2$", printed, re.MULTILINE)

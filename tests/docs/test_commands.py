"""Each command of the documents does what it says, or its block says why it cannot run just anywhere."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.documents import Block, blocks, in_text
from tests.docs.plans import Plan, is_plan, plans
from tests.workflow.forks import in_fork

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = [block for block in blocks(ROOT) if block.commands or block.file]
PAGES = sorted({block.page for block in BLOCKS if block.runs and block.commands})
LONG = "docs/tutorial.md"  # fits, predicts and runs the workflow on scans of its own


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.commands], ids=lambda b: f"{b.page}:{b.line}")
def test_a_block_with_commands_runs_or_says_where_it_does(block: Block):
    """``sh``: anywhere. Else its title says what it needs."""
    assert block.runs or (".sh" in block.info and block.title), block.body


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """The tracked files as they stand, with the configurations that the documents tell a reader to write."""
    folder = tmp_path_factory.mktemp("docs") / "clone"
    names = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    files = [block for block in BLOCKS if block.file]
    assert len(files) == len({block.file for block in files}), "two pages give a file of one name"
    for block in files:
        assert not (folder / block.file).exists(), f"{block.page}:{block.line}: {block.file} is the project's"
        (folder / block.file).write_text(block.body)
    return folder


def _run(words: list[str], folder: Path) -> subprocess.CompletedProcess:
    """Run a command as a reader types it."""
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.long] * (page == LONG)) for page in PAGES]
)
def test_commands_of_a_page_run_in_their_order(page: str, clone: Path):
    """One after the other; make says what it would do."""
    for block in (block for block in BLOCKS if block.page == page and block.runs):
        for command in block.commands:
            if not is_plan(command, runs=True):
                words = shlex.split(command) + (["--dry-run"] if command.startswith("make ") else [])
                done = _run(words, clone)
                assert done.returncode == 0, f"{page}:{block.line}: {command}\n{done.stdout}\n{done.stderr}"


def _planned() -> list[Plan]:
    fenced = [
        (block.page, command)
        for block in BLOCKS
        for command in block.commands
        if is_plan(command, runs=block.runs)
    ]
    return plans([*fenced, *in_text(ROOT)], default="all")


def _name(plan: Plan) -> str:
    return " ".join((*plan.files, *plan.values, plan.profile)).strip() or "default"


@pytest.mark.slow
@pytest.mark.parametrize("plan", _planned(), ids=_name)
def test_every_target_of_a_configuration_is_planned(plan: Plan, clone: Path):
    """What the documents ask of the workflow under one configuration: one dry run of all of it."""
    snakemake = str(Path(sys.executable).with_name("snakemake"))
    status, printed = in_fork([snakemake, *plan.command[1:]], clone)
    assert status == 0, f"{plan.commands}\n{printed}"

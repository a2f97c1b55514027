"""The recipes of images: what they copy is there, and is all that the workflow needs; nothing is unpinned."""

import re

import pytest

from tests.workflow.conftest import PARTS


@pytest.fixture(params=["Dockerfile", "apptainer.def"])
def recipe(request, root) -> str:
    return (root / request.param).read_text()


def copied(recipe: str) -> set[str]:
    """Sources that a recipe copies from the project."""
    copies = re.findall(r"^COPY (?!--)(.+) \S+$", recipe, re.MULTILINE)
    listed = re.findall(r"^    (\S+) /opt/project/\S+$", recipe, re.MULTILINE)
    return {name for line in copies for name in line.split()} | set(listed)


def test_what_is_copied_is_there(recipe, root):
    assert copied(recipe)
    assert {name for name in copied(recipe) if not (root / name).exists()} == set()


def test_the_workflow_is_whole_inside(recipe):
    assert {*PARTS, "configs", "requirements.lock"} <= copied(recipe)


def test_everything_is_installed_from_the_lock(recipe):
    installs = re.findall(r"pip install (.*)", recipe)
    assert len(installs) == 2
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation" in line for line in installs)


def test_nobody_runs_as_root_and_nothing_is_fetched_at_run_time(root):
    lines = (root / "Dockerfile").read_text().splitlines()
    last = max(index for index, line in enumerate(lines) if line.startswith("FROM"))
    users = [line.split()[1] for line in lines[last:] if line.startswith("USER")]
    assert users
    assert users[-1] not in ("root", "0")
    assert any("HF_HUB_OFFLINE=1" in line for line in lines[last:])

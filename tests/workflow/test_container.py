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


def test_both_recipes_make_one_environment(root):
    """From one base, of the same files, by the same commands, with the same variables."""
    docker, apptainer = ((root / name).read_text() for name in ("Dockerfile", "apptainer.def"))
    assert copied(docker) == copied(apptainer)
    bases = {*re.findall(r"^FROM (\S+)", docker, re.M), *re.findall(r"^From: (\S+)", apptainer, re.M)}
    assert len(bases) == 1
    commands = [
        re.findall(
            r"(?:python -m venv|\S+/pip install) .*?(?= \\|$)", text.replace("/opt/project", "/project"), re.M
        )
        for text in (docker, apptainer)
    ]
    assert commands[0] == commands[1] != []
    variables = [
        re.search(rf"{word} (PATH=.*)", text)[1] for word, text in (("ENV", docker), ("export", apptainer))
    ]
    # Apptainer takes a variable of the host where there is one, as it does of a Docker image.
    assert variables[0] == re.sub(r"\$\{\w+:-(\w+)\}", r"\1", variables[1])


def test_the_base_has_the_python_of_the_lock(root):
    (compiled,) = re.findall(
        r"uv pip compile pyproject.toml .*--python-version (\S+)", (root / "Makefile").read_text()
    )
    assert f"FROM python:{compiled}-slim" in (root / "Dockerfile").read_text()


def test_nothing_that_is_copied_is_left_out_of_the_context(recipe, root):
    ignored = {line.strip("/") for line in (root / ".dockerignore").read_text().split()}
    assert not copied(recipe) & ignored


def test_nobody_runs_as_root_and_nothing_is_fetched_at_run_time(root):
    lines = (root / "Dockerfile").read_text().splitlines()
    last = max(index for index, line in enumerate(lines) if line.startswith("FROM"))
    users = [line.split()[1] for line in lines[last:] if line.startswith("USER")]
    assert users
    assert users[-1] not in ("root", "0")
    assert any("HF_HUB_OFFLINE=1" in line for line in lines[last:])

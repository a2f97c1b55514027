"""Fixtures shared by all tests."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

_GIT = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
_RICH = ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES")
_TYPER = ("PY_COLORS", "GITHUB_ACTIONS", "TERMINAL_WIDTH", "TYPER_USE_RICH")


def pytest_sessionstart() -> None:
    """What the starter has set for a screen of their own, or as the hook of a repository, is not the tests'.

    Here, since pytest has read it by now, and nothing has imported rich. No proxy leads to servers of tests.
    """
    for name in (*_GIT, *_RICH, *_TYPER):
        os.environ.pop(name, None)
    spared = [os.environ[name] for name in ("no_proxy", "NO_PROXY") if os.environ.get(name)]
    if "*" not in spared:
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(["127.0.0.1", "localhost", *spared])


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real images (brainmri/, busi/, cxr/), which are never part of the repository."""
    folder = os.environ.get("FUSIONMEDCLIP_TEST_DATA", str(ROOT.parent / "shared" / "data"))
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"no real images at {folder!r}; set FUSIONMEDCLIP_TEST_DATA to a folder that has them")
    return Path(folder)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """A test draws the same from torch's common generator each time: what failed once fails again."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests begin first, then what runs Snakemake: none of them is waited for at the end."""
    slow = {item.path for item in items if {"slow", "long"} & {mark.name for mark in item.iter_markers()}}
    items.sort(key=lambda item: (item.path not in slow, "workflow" not in item.path.parts))

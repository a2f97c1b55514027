"""Fixtures shared by all tests."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


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

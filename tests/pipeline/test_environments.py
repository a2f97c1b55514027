"""Digests of environments: pins where an environment is made of them, installed versions where not."""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from fusionmedclip.pipeline.environments import environment_digest
from fusionmedclip.provenance import digest

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def pinned(tmp_path):
    """An environment file with some pins."""

    def write(numpy: str, python: str = PYTHON, comment: str = "") -> Path:
        path = tmp_path / "env.yaml"
        packages = [f"numpy=={numpy}", "no-such-package==1.0"]
        text = yaml.safe_dump({"dependencies": [f"python={python}", "pip", {"pip": packages}]})
        path.write_text(comment + text)
        return path

    return write


def test_where_it_is_made_the_pins_count_and_no_comment(pinned):
    before = environment_digest(pinned("1.0"), is_made=True)
    assert environment_digest(pinned("1.0", comment="# numpy==2.0\n"), is_made=True) == before
    assert environment_digest(pinned("2.0"), is_made=True) != before
    assert environment_digest(pinned("1.0", python="3.9"), is_made=True) != before


def test_where_it_is_not_made_the_installed_versions_count(pinned):
    asked = {"dependencies": [f"python={PYTHON}", "pip", {"pip": None}]}
    asked["dependencies"][2]["pip"] = [f"numpy=={version('numpy')}", "no-such-package==None"]
    for numpy, python in (("1.0", "3.9"), ("2.0", PYTHON)):
        assert environment_digest(pinned(numpy, python), is_made=False) == digest(asked)[:16]


def test_another_version_of_a_package_is_another_environment_and_another_build_is_not(
    pinned, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(tmp_path)
    found = {}
    for installed in ("9.1", "9.2", "9.2+cpu"):
        folder = tmp_path / f"numpy-{installed}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: numpy\nVersion: {installed}\n")
        assert version("numpy") == installed
        found[installed] = environment_digest(pinned("1.0"), is_made=False)
        for path in (folder / "METADATA", folder):
            path.unlink() if path.is_file() else path.rmdir()
    assert found["9.1"] != found["9.2"] == found["9.2+cpu"]

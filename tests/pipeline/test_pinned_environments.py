"""Everything in the environments of the rules is pinned, as the lock has it."""

import re

import pytest
import yaml

HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


def locked(root) -> dict[str, set[str]]:
    """Hashes by ``name==version``."""
    text = (root / "requirements.lock").read_text().replace("\\\n", " ")
    return {line.split()[0]: set(HASH.findall(line)) for line in text.splitlines() if "==" in line}


@pytest.fixture(params=["data", "torch"])
def pins(request, root) -> dict[str, set[str]]:
    asked = yaml.safe_load((root / f"envs/{request.param}.yaml").read_text())["dependencies"][-1]["pip"]
    assert all("==" in line for line in asked)
    return {line.split()[0]: set(HASH.findall(line)) for line in asked}


def test_every_pin_is_the_locks(pins, root):
    lock = locked(root)
    assert {pin: hashes for pin, hashes in pins.items() if lock.get(pin) != hashes} == {}


def test_what_is_asked_for_is_pinned(root):
    for name in ("data", "torch"):
        asked = {line.strip() for line in (root / f"envs/{name}.in").read_text().splitlines()}
        text = (root / f"envs/{name}.yaml").read_text()
        assert {package for package in asked if f"- {package}==" not in text} == set()


def test_what_others_bring_is_pinned_too(pins):
    """Such as pandas' python-dateutil and jsonschema's attrs, which no ``.in`` names."""
    assert {pin.partition("==")[0] for pin in pins} >= {"attrs", "python-dateutil"}

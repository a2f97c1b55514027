"""Everything in the environments of the rules is pinned, as the lock has it."""

import re

import pytest
import yaml

HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
OF_TORCH = re.compile(r"torch|torchvision|triton|setuptools|cuda-.*|nvidia-.*")
BUILDS = {"torch-cpu": "+cpu", "torch-cuda12": "+cu128"}


def hashed(lines) -> dict[str, set[str]]:
    """Hashes by ``name==version``."""
    return {line.split()[0]: set(HASH.findall(line)) for line in lines if "==" in line}


def locked(root) -> dict[str, set[str]]:
    return hashed((root / "requirements.lock").read_text().replace("\\\n", " ").splitlines())


def pins_of(root, name: str) -> dict[str, set[str]]:
    asked = yaml.safe_load((root / f"envs/{name}.yaml").read_text())["dependencies"][-1]["pip"]
    assert all("==" in line and HASH.search(line) for line in asked)
    return hashed(asked)


def names(pins) -> set[str]:
    return {pin.partition("==")[0] for pin in pins}


@pytest.fixture(params=["data", "torch"])
def pins(request, root) -> dict[str, set[str]]:
    return pins_of(root, request.param)


def test_every_pin_is_the_locks(pins, root):
    lock = locked(root)
    assert {pin: hashes for pin, hashes in pins.items() if lock.get(pin) != hashes} == {}


def test_what_is_asked_for_is_pinned(root):
    for name in ("data", "torch", *BUILDS):
        source = "data" if name == "data" else "torch"
        asked = {line.strip() for line in (root / f"envs/{source}.in").read_text().splitlines()}
        assert asked <= names(pins_of(root, name))


def test_what_others_bring_is_pinned_too(pins):
    """Such as pandas' python-dateutil and jsonschema's attrs, which no ``.in`` names."""
    assert names(pins) >= {"attrs", "python-dateutil"}


@pytest.mark.parametrize("name", BUILDS)
def test_another_build_is_the_same_environment_but_for_torch_and_what_that_brings(root, name):
    build, whole = pins_of(root, name), pins_of(root, "torch")
    apart = names(pin for pin in build.keys() | whole.keys() if build.get(pin) != whole.get(pin))
    assert {package for package in apart if not OF_TORCH.fullmatch(package)} == set()
    ours = {pin for pin in build if pin.startswith(("torch==", "torchvision=="))}
    assert len(ours) == 2
    assert all(pin.endswith(BUILDS[name]) for pin in ours)
    cuda = {package for package in names(build) if package.startswith("nvidia-")}
    assert all(package.endswith("-cu12") for package in cuda)
    assert bool(cuda) is (name == "torch-cuda12")


def test_the_wheel_of_the_cpu_build_is_the_one_that_was_met(root):
    """Of torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl, by sha256sum."""
    (hashes,) = [found for pin, found in pins_of(root, "torch-cpu").items() if pin.startswith("torch==")]
    assert hashes == {"sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"}

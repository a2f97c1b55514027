"""Pin the environments of the rules: ``python envs/pin.py``, after a change of what it reads.

``NAME.in`` lists what the jobs of an environment import, ``NAME.yaml`` all of that with what it needs in
turn, at the versions and with the hashes of requirements.lock. ``builds.yaml`` has builds of torch that
are not the lock's: the same environment with another torch, and what that brings.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

HERE = Path(__file__).parent
LOCK = HERE.parent / "requirements.lock"
BUILDS = yaml.safe_load((HERE / "builds.yaml").read_text())
REPLACED = ("torch", "torchvision")
OF_TORCH = re.compile(r"(torch|torchvision|triton|setuptools|cuda-\S+|nvidia-\S+)==")
"""What the lock has for its own torch alone; of setuptools, torch 2.11 wants an older one."""

HEAD = """# Written by envs/pin.py of {sources} and requirements.lock; pip refuses a file of another hash.
channels: [conda-forge]
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def pinned(asked: str, constraints: str, overrides: str = "") -> list[str]:
    """A line a package, its hashes behind it."""
    files = {"asked.in": asked, "lock.txt": constraints, "overrides.txt": overrides}
    command = ["uv", "pip", "compile", "asked.in", "-c", "lock.txt", "--overrides", "overrides.txt"]
    command += ["--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28"]
    command += ["--no-emit-index-url", "--generate-hashes", "--no-annotate", "--no-header", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text)
        text = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return text.replace("\\\n    ", "").splitlines()


def of_lock(name: str) -> list[str]:
    """An environment as the lock has it."""
    return pinned((HERE / f"{name}.in").read_text(), LOCK.read_text())


def of_build(build: dict) -> list[str]:
    """The environment of torch with another build of it."""
    entries = re.split(r"^(?=\S)", LOCK.read_text(), flags=re.MULTILINE)
    rest = "".join(entry for entry in entries if not OF_TORCH.match(entry))
    asked = [line for line in (HERE / "torch.in").read_text().splitlines() if line not in REPLACED]
    never = "".join(f"{name}; python_version < '0'\n" for name in REPLACED)
    lines = pinned("\n".join([*asked, *build["brings"]]), rest, never)
    return sorted([*lines, *build["wheels"]], key=lambda line: line.partition("==")[0])


def write(name: str, sources: str, lines: list[str]) -> None:
    body = "".join(f"      - {line}\n" for line in lines)
    (HERE / f"{name}.yaml").write_text(HEAD.format(sources=sources) + body)


def main(names: list[str]) -> None:
    for name in names or [*sorted(path.stem for path in HERE.glob("*.in")), *BUILDS]:
        if name in BUILDS:
            write(name, "torch.in, builds.yaml", of_build(BUILDS[name]))
        else:
            write(name, f"{name}.in", of_lock(name))


if __name__ == "__main__":
    main(sys.argv[1:])

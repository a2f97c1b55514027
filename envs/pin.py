"""Pin the environments of the rules: ``python envs/pin.py``, after a change of the lock or of an ``.in``.

``NAME.in`` lists what the jobs of an environment import, ``NAME.yaml`` all of that with what it needs in
turn, at the versions and with the hashes of requirements.lock.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LOCK = HERE.parent / "requirements.lock"
HEAD = """# Written by envs/pin.py of {name}.in and requirements.lock; pip refuses a file of another hash.
channels: [conda-forge]
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def pinned(name: str) -> list[str]:
    """A line a package, its hashes behind it."""
    command = ["uv", "pip", "compile", str(HERE / f"{name}.in"), "-c", str(LOCK), "--python-version", "3.11"]
    command += ["--no-emit-index-url", "--generate-hashes", "--no-annotate", "--no-header", "--quiet"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return text.replace("\\\n    ", "").splitlines()


def main(names: list[str]) -> None:
    for name in names or sorted(path.stem for path in HERE.glob("*.in")):
        lines = "".join(f"      - {line}\n" for line in pinned(name))
        (HERE / f"{name}.yaml").write_text(HEAD.format(name=name) + lines)


if __name__ == "__main__":
    main(sys.argv[1:])

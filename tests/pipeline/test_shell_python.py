"""Jobs start wherever the project lies: the interpreter's path is one word to a shell."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.pipeline import shell_python as module
from fusionmedclip.pipeline.shell_python import shell_python

NAMES = ("my thesis", "thesis (copy)", "it's", "a&b", "$HOME", "Röntgen")


@pytest.fixture(params=NAMES)
def python(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """This environment's interpreter, below a folder of an awkward name."""
    (tmp_path / request.param).mkdir()
    environment = tmp_path / request.param / ".venv"
    environment.symlink_to(sys.prefix, target_is_directory=True)
    return str(environment / "bin" / Path(sys.executable).name)


def test_a_shell_starts_it_in_its_environment(python: str) -> None:
    code = "import sys, numpy; print(sys.prefix)"
    done = subprocess.run(f"{shell_python(python)} -c '{code}'", shell=True, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).resolve() == Path(sys.prefix).resolve()


def test_a_plain_path_is_kept_and_no_place_for_a_link_is_said(python: str, monkeypatch) -> None:
    assert shell_python("/opt/env/bin/python3.11") == "/opt/env/bin/python3.11"
    monkeypatch.setattr(module, "_PLACES", ("/with space", "/nowhere/at/all"))
    with pytest.raises(InputError, match=r"(?s)path with spaces.*TMPDIR"):
        shell_python(python)


def test_the_link_goes_with_its_process(python: str) -> None:
    code = f"from fusionmedclip.pipeline.shell_python import *; print(shell_python({python!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(tempfile.gettempdir())
    assert not Path(done.stdout.strip()).exists()

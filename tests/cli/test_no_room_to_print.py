"""A log on a full disk loses its lines and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

SAID = "from fusionmedclip.cli.shared import say; say('first'); say('second'); open('done', 'w').close()"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this machine")
def test_what_cannot_be_printed_stops_nothing(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", SAID], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "no more can be printed here (No space left on device); all else goes on\n"
    assert (tmp_path / "done").exists()

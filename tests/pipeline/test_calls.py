"""A job by itself: which of its failures is remembered."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("error", "refused"), [("InputError", True), ("PassingError", False), ("OSError", False)]
)
def test_what_may_pass_by_itself_is_not_refused(error, refused, tmp_path):
    """A refused job is never started again: a lost network or a node without its driver is none."""
    (tmp_path / "ends.py").write_text(
        f"from fusionmedclip.errors import *\n\ndef ends():\n    raise {error}('so')\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from fusionmedclip.pipeline.calls import call; "
    )
    code += f"raise SystemExit(call('ends:ends', {{}}, log={str(tmp_path / 'log')!r}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == 1
    assert (tmp_path / "log.refused").exists() is refused
    assert "so" in (tmp_path / "log").read_text()

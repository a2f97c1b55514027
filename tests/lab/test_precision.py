"""A model that was fitted in a precision which this device does not have."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.errors import InputError
from fusionmedclip.lab import AnomalyDetector
from fusionmedclip.models import arithmetic
from tests.lab.models import phantoms, write_overlay, write_pngs


def test_a_model_in_tf32_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    overlay = write_overlay(tmp_path)
    config = yaml.safe_load(overlay.read_text())
    config["methods"]["my_squid"]["settings"]["precision"] = "tf32"
    overlay.write_text(yaml.safe_dump(config))
    with monkeypatch.context() as patched:  # as if there were a GPU
        patched.setattr(arithmetic, "_check_tf32", lambda device: None)
        AnomalyDetector("my_squid", config=overlay, folds=0).fit(phantoms(2)).save(tmp_path / "model")
        AnomalyDetector.load(tmp_path / "model")
    write_pngs(tmp_path / "scans", phantoms(1))
    hint = r"(?s)tf32 asks for a GPU.*a model saved in tf32 needs --device cuda"
    with pytest.raises(InputError, match=hint):
        AnomalyDetector.load(tmp_path / "model")
    done = CliRunner().invoke(app, ["predict", "model", "scans", "--out", "p"])
    assert done.exit_code == 2
    assert "needs --device cuda" in done.output
    assert "--resume" not in done.output
    assert not (tmp_path / "p").exists()

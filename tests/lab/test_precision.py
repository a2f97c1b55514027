"""A model that was fitted in a precision which this device does not have."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.errors import InputError
from fusionmedclip.lab import AnomalyDetector
from fusionmedclip.models import arithmetic
from tests.lab.models import phantoms, write_overlay, write_pngs


def test_a_model_in_tf32_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = write_overlay(tmp_path)
    overlay.write_text(
        overlay.read_text().replace("train_batch: 2\n", "train_batch: 2\n      precision: tf32\n")
    )
    with monkeypatch.context() as patched:  # as if there were a GPU
        patched.setattr(arithmetic, "_check_tf32", lambda device: None)
        AnomalyDetector("my_squid", config=overlay, folds=0).fit(phantoms(2)).save(tmp_path / "model")
        AnomalyDetector.load(tmp_path / "model")
    write_pngs(tmp_path / "scans", phantoms(1))
    with pytest.raises(
        InputError, match=r"(?s)tf32 asks for a GPU.*a model saved in tf32 needs --device cuda"
    ):
        AnomalyDetector.load(tmp_path / "model")
    done = CliRunner().invoke(
        app, ["predict", f"{tmp_path}/model", f"{tmp_path}/scans", "--out", f"{tmp_path}/p"]
    )
    assert done.exit_code == 2
    assert "needs --device cuda" in done.output
    assert "--resume" not in done.output
    assert not (tmp_path / "p").exists()

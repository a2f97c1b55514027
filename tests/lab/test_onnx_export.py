"""The ONNX file gives what the model gives, on other images and batches than it was made with."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.errors import InputError
from fusionmedclip.lab import AnomalyDetector
from fusionmedclip.lab.onnx_export import TOLERANCE, export_onnx

for name in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(name, reason="comes with the extra `onnx`")


@pytest.mark.slow
@pytest.mark.long
def test_the_file_gives_what_the_model_gives(fitted_fusion: AnomalyDetector, tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    target = tmp_path / "deep" / "model.onnx"
    target.parent.mkdir()
    (target.parent / ".model.onnx.0a1b2c3d.part").touch()  # of a call that was killed
    assert export_onnx(fitted_fusion, target) <= TOLERANCE
    assert list(target.parent.iterdir()) == [target]
    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
    for count in (1, 3, 5):
        grey = np.random.default_rng(count).random((count, 32, 32)).astype(np.float32)
        scores, maps = session.run(None, {"images": np.repeat(grey[:, None], 3, axis=1)})
        expected = fitted_fusion.predict(grey)
        np.testing.assert_allclose(scores, expected.scores, atol=1e-3)
        np.testing.assert_allclose(maps, expected.maps, atol=1e-3)
        assert np.ptp(expected.maps) > 0.01  # not a map of one value
    made = {item.key: item.value for item in onnx.load(target).metadata_props}
    assert made["image_size"] == "32"
    assert json.loads(made["mean"]) == [
        round(x, 6) for x in fitted_fusion.detector_.backbone.mean.flatten().tolist()
    ]
    assert made["model_digest"] == fitted_fusion.digest_
    assert len(made["settings_digest"]) == 64
    assert float(made["threshold"]) == fitted_fusion.record_["left_out"]["pictures"]["threshold"]
    assert made["rests_on"] == fitted_fusion.record_["rests_on"]
    assert b"fusionmedclip/models" not in target.read_bytes()  # no traces of where it was made


def test_a_model_that_was_not_fitted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not fitted"):
        export_onnx(AnomalyDetector("patchcore"), tmp_path / "m.onnx")


def test_a_missing_package_is_named(fitted_fusion: AnomalyDetector, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="extra `onnx`"):
        export_onnx(fitted_fusion, tmp_path / "m.onnx")


def test_a_file_that_gives_something_else_is_not_written(
    fitted_fusion: AnomalyDetector, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("fusionmedclip.lab.onnx_export._packed", lambda *_, **__: b"")
    monkeypatch.setattr("fusionmedclip.lab.onnx_export._difference", lambda *_: float("nan"))
    with pytest.raises(InputError, match="other scores than torch"):
        export_onnx(fitted_fusion, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_the_command_says_where_to_write(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    done = CliRunner().invoke(app, ["export", str(tmp_path / "model"), "--out", str(tmp_path / "m.bin")])
    assert done.exit_code == 2
    assert ".onnx" in done.output

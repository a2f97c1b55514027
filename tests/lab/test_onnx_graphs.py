"""Other methods than our own as ONNX: memories and a discriminator, against the detectors themselves."""

from pathlib import Path

import numpy as np
import pytest

from fusionmedclip.baselines import create
from fusionmedclip.errors import InputError
from fusionmedclip.lab.onnx_export import TOLERANCE, export_onnx
from fusionmedclip.lab.onnx_graphs import scoring_graph
from tests.lab.models import phantoms, small_model, write_overlay

for name in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(name, reason="comes with the extra `onnx`")


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_overlay(tmp_path_factory.mktemp("graphs"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    ["patchcore", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("patch_nn", "simplenet"))],
)
def test_the_file_gives_what_the_detector_gives(kind: str, overlay: Path, tmp_path: Path) -> None:
    import onnxruntime

    model = small_model(overlay, kind, folds=0).fit(phantoms(3))
    assert export_onnx(model, tmp_path / "m.onnx") <= TOLERANCE
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    for count in (1, 5):
        grey = phantoms(count, lesion=True, first=20)
        scores, maps = session.run(None, {"images": np.repeat(grey[:, None], 3, axis=1)})
        expected = model.predict(grey)
        scale = max(1.0, float(np.abs(expected.maps).max()))
        np.testing.assert_allclose(scores / scale, expected.scores / scale, atol=1e-4)
        np.testing.assert_allclose(maps / scale, expected.maps / scale, atol=1e-4)
        assert np.ptp(expected.maps) > 0.01 * float(np.abs(expected.maps).max())


@pytest.mark.parametrize("kind", ["winclip", "mean_brightness"])
def test_what_scores_by_no_graph_is_refused(kind: str, overlay: Path, tmp_path: Path) -> None:
    model = small_model(overlay, kind, folds=0).fit(phantoms(2))
    with pytest.raises(InputError, match=r"not exported[\s\S]*fusionmedclip, patchcore, patch_nn, simplenet"):
        export_onnx(model, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_a_mask_that_is_computed_outside_of_the_graph_is_refused() -> None:
    backbone = {"kind": "timm", "model": "test_vit", "image_size": 160}
    detector = create("patch_nn", backbone=backbone, layers=[1], rotations=1, masking="queries")
    with pytest.raises(InputError, match=r"not exported[\s\S]*masking"):
        scoring_graph(detector.fit(np.zeros((1, 160, 160), np.float32)), "patch_nn", size=160)

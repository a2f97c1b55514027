"""The command explains one image in a folder; what cannot be explained is refused."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.errors import InputError
from fusionmedclip.lab import AnomalyDetector
from fusionmedclip.lab.explain import explain_image


def test_an_explanation_shows_layers_and_words(fitted_fusion: AnomalyDetector, tmp_path: Path) -> None:
    grey = (np.random.default_rng(3).random((50, 40)) * 255).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "a & b.png")
    found = explain_image(fitted_fusion, tmp_path / "a & b.png", tmp_path / "why")
    expected = fitted_fusion.predict([tmp_path / "a & b.png"])
    np.testing.assert_allclose(found.map, expected.maps[0], atol=1e-6)
    assert found.score == expected.scores[0]
    assert list(found.layers) == ["1", "2"]
    assert list(found.prompts) == ["normal", "anomaly"]
    np.testing.assert_allclose(np.mean(list(found.layers.values()), axis=0), found.map, atol=1e-5)
    folder = tmp_path / "why"
    assert sorted(p.name for p in folder.iterdir()) == [
        *(f"0{n}.png" for n in range(5)), "index.html", "tokens.csv",
    ]  # fmt: skip
    with (folder / "tokens.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 2 * 8 * 5
    page = (folder / "index.html").read_text()
    assert "a &amp; b.png" in page
    assert page.count("<img ") == 5
    assert "<!--" not in page
    for picture in folder.glob("*.png"):
        drawn = np.asarray(Image.open(picture))
        assert drawn.shape[1] == 280  # 40 pixels, each seven wide, so that the legend has room
        assert drawn.shape[0] > 350


def test_other_methods_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only FusionMedCLIP"):
        explain_image(AnomalyDetector("patchcore"), tmp_path / "a.png", tmp_path / "why")

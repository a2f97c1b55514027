"""The map gallery: pictures in place, stated choice, the same bytes each time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import colormaps

from fusionmedclip.reporting.figures import style
from fusionmedclip.reporting.figures.map_gallery import draw_map_gallery
from fusionmedclip.reporting.figures.mosaic import place

SIDE = 20


@pytest.fixture
def inputs(tmp_path: Path) -> dict:
    rng = np.random.default_rng(0)
    pd.DataFrame({"image_id": list("abcd"), "label": [0, 1, 0, 1]}).to_csv(tmp_path / "m.csv", index=False)
    np.save(tmp_path / "images.npy", rng.random((4, SIDE, SIDE)).astype(np.float32))
    masks = np.zeros((4, SIDE, SIDE), np.uint8)
    masks[1, 5:9, 5:9], masks[3] = 1, 2
    np.save(tmp_path / "masks.npy", masks)
    maps = rng.random((3, SIDE, SIDE)).astype(np.float16)
    np.savez(tmp_path / "a.npz", rows=np.array([0, 1, 3]), maps=maps)
    np.savez(tmp_path / "none.npz", rows=np.empty(0, int), maps=np.empty((0, SIDE, SIDE), np.float16))
    return {
        "manifest": tmp_path / "m.csv",
        "images": tmp_path / "images.npy",
        "masks": tmp_path / "masks.npy",
        "title": "BUSI",
        "k": 4,
        "split_seed": 7,
        "stand_in": False,
        "out": tmp_path / "maps.png",
    }


def test_pictures_lie_where_they_belong(tmp_path: Path, inputs: dict, monkeypatch):
    kept = []
    monkeypatch.setattr(style, "save_figure", lambda figure, path, **_: kept.append(figure))
    draw_map_gallery(
        **inputs, examples=[tmp_path / "none.npz", tmp_path / "a.npz"], titles=["no map", "PatchCore"]
    )
    (axis,) = kept[0].axes
    mosaic = axis.images[0].get_array()
    images, maps = np.load(inputs["images"]), np.load(tmp_path / "a.npz")["maps"].astype(np.float32)
    scaled = (maps - maps.min()) / (maps.max() - maps.min())
    for line, (row, own) in enumerate([(1, 1), (3, 2), (0, 0)]):  # abnormal first
        y, x = place(2 * line, 0, SIDE)
        assert np.abs(mosaic[y : y + SIDE, x : x + SIDE, 0] / 255 - images[row]).max() < 0.003
        y, x = place(2 * line, 1, SIDE)
        wanted = colormaps["inferno"](scaled[own])[..., :3]
        assert np.abs(mosaic[y : y + SIDE, x : x + SIDE] / 255 - wanted).max() < 0.01
    words = [text.get_text() for text in axis.texts]
    assert "no map" not in words
    assert words.count("abnormal") == 2
    assert words.count("outline unknown") == 1
    assert any("split seed 7" in text.get_text() for text in kept[0].texts)


def test_same_bytes_twice(tmp_path: Path, inputs: dict):
    drawn = []
    for name in ("a", "b"):
        out = tmp_path / f"{name}.png"
        draw_map_gallery(**{**inputs, "out": out}, examples=[tmp_path / "a.npz"], titles=["PatchCore"])
        drawn.append((out.read_bytes(), out.with_suffix(".pdf").read_bytes()))
    assert drawn[0] == drawn[1]


def test_no_maps_at_all_still_make_a_file(tmp_path: Path, inputs: dict):
    draw_map_gallery(**inputs, examples=[tmp_path / "none.npz"], titles=["no map"])
    assert inputs["out"].exists()

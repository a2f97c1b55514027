"""Frozen features, computed once for all runs that share them."""

from pathlib import Path

import numpy as np
import torch

from fusionmedclip.config import load_config
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone, save_backbone
from fusionmedclip.pipeline.backbones import extract_features, feature_file
from fusionmedclip.randomness import generator
from fusionmedclip.reporting.tables.rows import layers_stored

TINY = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 32, "patch_size": 16, "width": 8, "layers": 1, "head_width": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1},
}


def test_what_nobody_reads_is_not_stored(tmp_path: Path) -> None:
    settings = BackboneSettings(model=TINY, image_size=32)
    network = build_backbone(settings)
    save_backbone(network, tmp_path / "b", settings)
    images = generator(0, "feature test").random((3, 32, 32), np.float32)
    np.save(tmp_path / "images.npy", images)
    for layers, files in (
        (["gap"], {"gap.npy"}), ([1], {"layer_1.npy"}), ([1, "gap"], {"layer_1.npy", "gap.npy"}),
    ):  # fmt: skip
        extract_features(
            backbone=str(tmp_path / "b" / "settings.json"), images=str(tmp_path / "images.npy"),
            layers=layers, out=str(tmp_path / "features"), device="cpu", threads=1,
        )  # fmt: skip
        assert {path.name for path in (tmp_path / "features").glob("*.npy")} == files
        if "gap" in layers:
            with torch.inference_mode():
                gap = network.gap_features(network.pixels(images)).numpy()
            np.testing.assert_allclose(np.load(tmp_path / "features/gap.npy"), gap, atol=1e-5)


def test_maps_are_stored_where_a_method_scores_from_some() -> None:
    """Row 1 needs no map, row 5 does; SimpleNet and PatchCore two stages; LoRA none."""
    config = load_config([])
    found = {name: layers_stored(config, name) for name in config.data["backbones"]}
    assert found == {
        "clip": ["gap"], "roco_clip": [12, 14, 18, 24, "gap"], "random_clip": [],
        "wide_resnet50": ["layer2", "layer3"], "resnet18": [],
    }  # fmt: skip


def test_features_are_those_of_each_image_and_equal_images_have_equal_ones(tmp_path: Path) -> None:
    """Whatever the size of the last batch: here 16 and 5."""
    settings = BackboneSettings(model=TINY, image_size=32)
    network = build_backbone(settings)
    save_backbone(network, tmp_path / "b", settings)
    images = generator(0, "feature test").random((21, 32, 32), np.float32)
    images[[3, 15, 16, 20]] = images[0]
    np.save(tmp_path / "images.npy", images)
    extract_features(
        backbone=str(tmp_path / "b" / "settings.json"), images=str(tmp_path / "images.npy"), layers=[1],
        out=str(tmp_path / "features"), device="cpu", threads=1,
    )  # fmt: skip
    found = np.load(feature_file(tmp_path / "features", 1))
    assert len(found) == 21
    for row in (3, 15, 16, 20):
        np.testing.assert_array_equal(found[row], found[0])
    with torch.inference_mode():
        direct = [network.feature_maps(network.pixels(images[n : n + 1]), [1])[0][0] for n in range(21)]
    np.testing.assert_allclose(found, torch.stack(direct).numpy(), atol=1e-5)

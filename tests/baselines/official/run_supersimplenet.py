"""Figures of SuperSimpleNet's official code: ``python run_supersimplenet.py CLONE``.

The clone is blaz-r/SuperSimpleNet at commit 60d1e74. ``train.train`` and ``SuperSimpleNet`` run as they are,
on the CPU, with the settings of ``run_unsup("mvtec")`` but for a ResNet-18; masks and noise are handed over.
What they import beside that (data sets, metrics, Lightning) is left empty.
"""

import sys
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace

import timm
import torch
import torchvision
from recipe import filled, images, normal, show, uniform

from fusionmedclip.baselines.supersimplenet.network import SuperSimpleHead

sys.path.insert(0, sys.argv[1])
for name in (
    "pytorch_lightning", "torchmetrics", "anomalib", "anomalib.utils", "anomalib.utils.metrics",
    "datamodules", "datamodules.ksdd2", "datamodules.sensum", "datamodules.mvtec", "datamodules.visa",
    "common.visualizer", "common.results_writer",
):  # fmt: skip
    module = sys.modules[name] = ModuleType(name)
    module.__getattr__ = lambda _name: SimpleNamespace

import train  # noqa: E402
from common.perlin_noise import rand_perlin_2d  # noqa: E402
from model import supersimplenet as official  # noqa: E402

SIZE, SHOTS, STEPS = 64, 3, 10
CONFIG = {
    "backbone": "resnet18", "layers": ["layer2", "layer3"], "patch_size": 3, "noise": True, "perlin": True,
    "no_anomaly": "empty", "bad": True, "overlap": True, "noise_std": 0.015, "perlin_thr": 0.2,
    "epochs": STEPS, "seg_lr": 0.0002, "dec_lr": 0.0002, "adapt_lr": 0.0001, "gamma": 0.4, "stop_grad": True,
}  # fmt: skip
NAMES = {
    "adaptor": "feature_adaptor.projection", "of_map": "discriminator.seg",
    "of_score": "discriminator.dec_head", "last": "discriminator.fc_score",
}  # fmt: skip


def tower(weights: str) -> torch.nn.Module:
    made = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [2, 2, 2, 2])
    made.load_state_dict(filled(timm.create_model("resnet18"), 0, gain=2.0).state_dict())
    return made


torchvision.models.resnet18 = tower
model = official.SuperSimpleNet((SIZE, SIZE), CONFIG)
for name, value in filled(SuperSimpleHead(384, 1024, 128), 1).state_dict().items():
    first, _, rest = name.partition(".")
    if first in NAMES:
        model.get_submodule(NAMES[first]).state_dict()[rest].copy_(value)
model.anomaly_generator.generate_perlin = lambda count: torch.from_numpy(
    (uniform(100, count, 1, 16, 16) > 0.7).astype("f4")
)
steps = iter(range(STEPS))
torch.normal = lambda mean, std, size, **_: std * torch.from_numpy(normal(200 + next(steps), *size))
train.test = lambda **_: {}
train.tqdm = lambda **_: nullcontext(SimpleNamespace(set_postfix=lambda **_: None, update=lambda _: None))
losses, backward = [], torch.Tensor.backward
torch.Tensor.backward = lambda loss: (losses.append(loss.item()), backward(loss))[1]


def pictures(seed: int, count: int) -> torch.Tensor:
    return torch.from_numpy(images(seed, count, SIZE))[:, None].repeat(1, 3, 1, 1) * 2 - 1


batch = {"image": pictures(1, SHOTS), "mask": torch.zeros(SHOTS, SIZE, SIZE), "label": torch.zeros(SHOTS)}
train.train(
    model,
    STEPS,
    SimpleNamespace(train_dataloader=lambda: [batch]),
    "cpu",
    {},
    {},
    clip_grad=False,
    eval_step_size=STEPS,
)
show("LOSSES", losses)
with torch.no_grad():
    found, scores = model.eval()(pictures(2, 3))
show("SCORES", scores)
show("MAP", found[1, 0, 8::16, 8::16])
torch.rand = lambda *shape: torch.from_numpy(uniform(7, *shape).astype("f4"))
show("PERLIN", rand_perlin_2d((16, 32), (4, 2))[3::4, 5::8])

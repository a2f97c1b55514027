"""Figures of SimpleNet's official code: ``python run_simplenet.py CLONE``.

The clone is DonaldRR/SimpleNet at commit 351a2b8; it needs scikit-image beside this project's packages.
``SimpleNet.load``, ``_embed``, ``_train_discriminator`` and ``_predict`` run as they are, on a ResNet-18;
its TensorBoard log goes nowhere, and its noise is the recipe's. Behind the patch features all is float64: in
float32 Adam makes steps of the rounding errors that a bias before batch normalisation has for a gradient.
"""

import itertools
import sys
import types

import numpy as np
import torch
import torchvision
from recipe import filled, images, normal, show

from fusionmedclip.baselines.simplenet.detector import SimpleNetHead

sys.path.insert(0, sys.argv[1])
silent = types.SimpleNamespace(add_scalar=lambda *_: None)
sys.modules["torch.utils.tensorboard"] = types.SimpleNamespace(SummaryWriter=None)

import simplenet  # noqa: E402

SIZE, DIM, HIDDEN, EPOCHS = 64, 64, 48, 25


def pixels(seed: int, count: int) -> torch.Tensor:
    """Grey images as its data set gives them: three channels, ImageNet's normalisation."""
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    return (torch.from_numpy(images(seed, count, SIZE))[:, None] - mean) / std


class InFloat64(simplenet.SimpleNet):
    def _embed(self, *args, **kwargs):
        features, shapes = super()._embed(*args, **kwargs)
        return features.double(), shapes


def made() -> simplenet.SimpleNet:
    net = InFloat64(torch.device("cpu"))
    net.load(
        backbone=filled(torchvision.models.resnet18(), 0, gain=2.0).eval(),
        layers_to_extract_from=["layer2", "layer3"],
        device=torch.device("cpu"),
        input_shape=(3, SIZE, SIZE),
        pretrain_embed_dimension=96,
        target_embed_dimension=DIM,
        patchsize=3,
        embedding_size=256,
        meta_epochs=40,
        gan_epochs=EPOCHS,
        noise_std=0.015,
        dsc_layers=2,
        dsc_hidden=HIDDEN,
        dsc_margin=0.5,
        pre_proj=1,
    )
    ours = filled(SimpleNetHead(DIM, HIDDEN), 1)
    net.pre_projection.layers[0].load_state_dict(ours.projection.state_dict())
    net.discriminator.body.block1.load_state_dict(ours.discriminator[:3].state_dict())
    net.discriminator.tail.load_state_dict(ours.discriminator[3].state_dict())
    net.pre_projection.double()
    net.discriminator.double()
    net.logger = types.SimpleNamespace(logger=silent, g_iter=0, step=lambda: None)
    return net


def losses(net: simplenet.SimpleNet) -> list[float]:
    """Of each epoch of one batch of three images."""
    seeds = itertools.count(100)
    torch.normal = lambda _mean, std, shape: torch.from_numpy(normal(next(seeds), *shape)).double() * std
    found = []
    clip = torch.clip  # both halves of the loss go through it
    torch.clip = lambda *args, **kw: found.append(clip(*args, **kw).mean().item()) or clip(*args, **kw)
    net._train_discriminator([{"image": pixels(2, 3)}])
    torch.clip = clip
    return [a + b for a, b in zip(found[::2], found[1::2], strict=True)]


def predicted(net: simplenet.SimpleNet, when: str) -> None:
    scores, maps, _ = net._predict(pixels(3, 2))
    show(f"SCORES_{when}", np.array(scores))
    show(f"MAPS_{when}", torch.from_numpy(maps[1][8::16, 8::16]))


torch.set_num_threads(1)
net = made()
show("EMBEDDED", net._embed(pixels(3, 2))[0][::37, ::13].float())
predicted(net, "BEFORE")
show("LOSSES", losses(net))
predicted(net, "AFTER")

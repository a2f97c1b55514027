"""Figures of RegAD's official code: ``python run_regad.py CLONE``.

The clone is MediaBrain-SJTU/RegAD at commit 5e2c1f8; it needs kornia beside this project's packages.
``stn_net``, ``Encoder``, ``Predictor``, ``train.train`` and ``test.test`` run as they are, on the CPU. Behind
224 pixels, for which its transformers are made, they get other first linear layers.
"""

import math
import sys
import types

import numpy as np
import timm
import torch
from recipe import filled, images, show
from torch import nn

from fusionmedclip.baselines.regad.registration import RegistrationNetwork, SiameseHeads
from fusionmedclip.models.backbones.backbone import Backbone

sys.path.insert(0, sys.argv[1])
for name in ("IPython", "IPython.display"):  # imported for notebooks
    sys.modules[name] = types.SimpleNamespace(get_ipython=None, display_html=None)
torch.Tensor.cuda = lambda self: self
torch.Tensor.get_device = lambda self: "cpu"

import test as official_test  # noqa: E402
import train as official_train  # noqa: E402
from models.siamese import Encoder, Predictor  # noqa: E402
from models.stn import stn_net  # noqa: E402

concat = official_test.embedding_concat
official_test.embedding_concat = lambda x, y, _cuda: concat(x, y, False)
SMALL, STEPS, RATE = 32, 4, 1e-3
STAGES = ("layer1", "layer2", "layer3")


def coloured(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).unsqueeze(-3).expand(*images.shape[:-2], 3, *images.shape[-2:])


def transformer_network(size: int) -> nn.Module:
    backbone = Backbone(timm.create_model("resnet18"), mean=(0, 0, 0), std=(1, 1, 1))
    ours = filled(RegistrationNetwork(backbone, STAGES, size=size, normalise=False), 0, gain=2.0)
    made = stn_net(types.SimpleNamespace(stn_mode="rotation_scale"), pretrained=False)
    for number, transformer in enumerate(ours.transformers, 1):
        with torch.no_grad():
            transformer.regress[2].bias += torch.tensor([0.0, 1.0, 1.0])
        theirs = getattr(made, f"stn{number}")
        theirs.fc[0] = nn.Linear(transformer.regress[0].in_features, 1024)
        theirs.conv.load_state_dict(transformer.localise.state_dict())
        theirs.fc.load_state_dict(transformer.regress.state_dict())
    missing, _ = made.load_state_dict(ours.tower.visual.state_dict(), strict=False)
    assert all(name.startswith("stn") for name in missing)
    return made


def heads() -> tuple[nn.Module, nn.Module]:
    ours = filled(SiameseHeads(256), 1, gain=2.0)
    encoder, predictor = Encoder(), Predictor()
    for theirs, own in ((encoder, ours.encoder), (predictor, ours.predictor)):
        names = {"0": "conv1", "1": "bn1", "3": "conv2", "4": "bn2", "6": "conv3"}
        state = own.state_dict()
        missing, extra = theirs.load_state_dict(
            {f"{names[at]}.{rest}": value for (at, rest), value in
             ((name.split("."), value) for name, value in state.items())},
            strict=False,
        )  # fmt: skip
        assert not extra
        assert all(name.startswith("bn3") for name in missing)  # made there, never used
    return encoder, predictor


def features() -> None:
    """Of two images of 224 pixels, eval mode."""
    network = transformer_network(224).eval()
    with torch.no_grad():
        last = network(coloured(images(2, 2, 224)))
        put = concat(network.stn1_output, network.stn2_output, False)
        put = concat(put, network.stn3_output, False)
    show("LAST", last[:, ::50, 3, 9])
    show("REGISTERED", put[1, ::50, 11::15, 9])
    show("REGISTERED_MEAN", put.mean())


def trained() -> list[nn.Module]:
    """Four steps at our step-wise rates; the official ones fall epoch by epoch."""
    models = [transformer_network(SMALL), *heads()]
    optimisers = [torch.optim.SGD(m.parameters(), lr=RATE, momentum=0.9) for m in models]
    losses = []
    official_train.print_log = lambda *_: None
    official_train.AverageMeter.update = lambda self, loss, _count: losses.append(loss)
    official_train.AverageMeter.avg = 0
    for step in range(STEPS):
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / STEPS))
        query = images(10 + step, 4, SMALL)
        support = images(20 + step, 8, SMALL).reshape(4, 2, SMALL, SMALL)
        batch = [(coloured(query)[None], coloured(support)[None], None)]
        official_train.train(models, step, batch, optimisers, None)
    show("LOSSES", losses)
    return models


torch.set_num_threads(1)
features()
models = trained()
support = coloured(images(3, 2, SMALL)).contiguous()
queries = [(image[None], None, torch.zeros(1, 1), torch.zeros(1)) for image in coloured(images(4, 2, SMALL))]
with torch.no_grad():
    maps, *_ = official_test.test(None, models, 0, [support], queries)
show("MAPS", maps[:, 4::8, 4::8])
show("SCORES", maps.reshape(2, -1).max(axis=1))

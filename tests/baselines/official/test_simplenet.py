"""SimpleNet against figures that its official code gives on the same weights, images and noise.

They come from ``run_simplenet.py`` beside this file: DonaldRR/SimpleNet at commit
351a2b8d4e8cfc944dbccbf9bc6ceda930c6f26b (SimpleNet.load, _embed, _train_discriminator, _predict) on a
ResNet-18's layers 2 and 3, with the settings of its run.sh but for the widths.
"""

import itertools

import numpy as np
import pytest
import timm
import torch

from fusionmedclip.baselines.patch_features import patch_vectors
from fusionmedclip.baselines.simplenet import detector as simplenet
from fusionmedclip.baselines.simplenet.settings import SimpleNetSettings
from fusionmedclip.models.backbones.backbone import Backbone
from tests.baselines.official.recipe import filled, images, normal

# Patch features of two images, every 37th, every 13th number of each.
EMBEDDED = [
    [0.974832535, 2.45056844, 3.58316779, 3.15219569, 1.1553098],
    [2.53784633, 3.3508594, 5.59104586, 5.13868284, 3.73151779],
    [2.48658299, 6.49036837, 10.3935986, 3.76404309, 1.68312395],
    [1.62018263, 3.7907474, 6.25799608, 3.86779118, 2.3135016],
]
# Scores of both, and the map of the second at every sixteenth pixel from the eighth.
SCORES_BEFORE = [-2.281917345932766, -2.18495465573667]
MAPS_BEFORE = [
    [-3.85829100550666, -5.125925568511037, -5.234205092015702, -4.160700448539847],
    [-4.598668197205942, -5.966203872639767, -6.226540815051592, -5.288050204312602],
    [-4.401453678516191, -5.699914113691493, -5.693807628565953, -4.891863820822483],
    [-3.326930612963757, -4.255947893862813, -4.311288379870857, -3.642040193071895],
]
# Before each of 25 steps on three images.
LOSSES = [
    1.475382544925855,
    1.442973096638958,
    1.409772722543008,
    1.376276371457577,
    1.343872761391047,
    1.315301970890077,
    1.286628537439328,
    1.262886123251069,
    1.240009802895831,
    1.220531031678475,
    1.201906011814236,
    1.18492854436868,
    1.173734863800424,
    1.1608041334266,
    1.14736524986355,
    1.138282579421153,
    1.129448884387578,
    1.121383267263997,
    1.115702396696302,
    1.107956658336039,
    1.103356313264773,
    1.098181469775546,
    1.093188141569709,
    1.088712359640115,
    1.084525206384151,
]
# After them.
SCORES_AFTER = [1.246988745067352, 1.634720039675403]
MAPS_AFTER = [
    [0.3839869009869231, 0.2040825867047778, 0.1769293417907431, 0.1789933923282947],
    [0.7421200920437521, 0.9224353944948596, 0.6483351577431742, 0.466649720399244],
    [1.029516825450889, 1.325558589383436, 1.109137981687634, 0.8286520116436256],
    [0.6884457497801301, 1.148482232408329, 1.12922433647761, 0.6799382491817868],
]
SIZE = 64
SETTINGS = SimpleNetSettings(pretrain_dim=96, target_dim=64, hidden=48, steps=25)


class OfTheRecipe(simplenet.SimpleNet):
    """Starts from the recipe's weights, in float64 behind the patch features, as the official run did."""

    def embed(self, maps):
        return super().embed(maps).double()

    def _make(self, dim, seed):
        head = filled(simplenet.SimpleNetHead(dim, self.settings.hidden), 1)
        head.mean.zero_()
        head.std.fill_(1)
        return head.double()


@pytest.fixture(scope="module")
def backbone():
    network = filled(timm.create_model("resnet18"), 0, gain=2.0).eval()
    return Backbone(network, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


def test_embedding(backbone):
    detector = simplenet.SimpleNet(backbone=backbone, settings=SETTINGS)
    vectors = patch_vectors(detector.embed(detector.features(images(3, 2, SIZE))))
    np.testing.assert_allclose(vectors[::37, ::13], EMBEDDED, rtol=1e-6)


def test_scores_and_maps_untrained(backbone):
    detector = OfTheRecipe(backbone=backbone, settings=SETTINGS)
    detector._head = detector._make(64, 0).eval()
    result = detector.score(images(3, 2, SIZE))
    np.testing.assert_allclose(result.scores, SCORES_BEFORE, rtol=1e-6)
    np.testing.assert_allclose(result.maps[1, 8::16, 8::16], MAPS_BEFORE, rtol=1e-6)


def test_twenty_five_steps(backbone, monkeypatch):
    seeds, losses = itertools.count(100), []

    def noise(shape, **_):
        return torch.from_numpy(normal(next(seeds), *shape)).double()

    monkeypatch.setattr(simplenet, "batches", lambda *_: itertools.repeat(np.arange(3), SETTINGS.steps))
    monkeypatch.setattr(torch, "randn", noise)
    detector = OfTheRecipe(backbone=backbone, settings=SETTINGS)
    detector.fit(images(2, 3, SIZE), progress=lambda record: losses.append(record["loss"]))
    result = detector.score(images(3, 2, SIZE))
    np.testing.assert_allclose(losses, LOSSES, rtol=1e-6)
    np.testing.assert_allclose(result.scores, SCORES_AFTER, rtol=1e-5)
    np.testing.assert_allclose(result.maps[1, 8::16, 8::16], MAPS_AFTER, rtol=1e-5)

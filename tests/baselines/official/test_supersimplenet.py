"""SuperSimpleNet against figures that its official code gives on the same weights, images, masks and noise.

They come from ``run_supersimplenet.py`` beside this file: blaz-r/SuperSimpleNet at commit
60d1e742c836bdd5cd24388ffb2250059faa2ec4 (train.train, model.supersimplenet, common.perlin_noise) on a
ResNet-18's layers 2 and 3.
"""

import numpy as np
import pytest
import timm
import torch

from fusionmedclip.baselines.supersimplenet import detector as supersimplenet
from fusionmedclip.baselines.supersimplenet.network import SuperSimpleHead
from fusionmedclip.baselines.supersimplenet.noise import perlin
from fusionmedclip.baselines.supersimplenet.settings import SuperSimpleNetSettings
from fusionmedclip.models.backbones.backbone import Backbone
from tests.baselines.official.recipe import filled, images, normal, uniform

# Before each of ten steps on three images; the rates fall after the eighth and the ninth.
LOSSES = [
    2.310984373092651, 1.140603303909302, 1.076667428016663, 1.021805286407471, 1.009015917778015,
    1.016453146934509, 1.014301896095276, 0.9910843968391418, 0.9677127003669739, 0.9609805345535278,
]  # fmt: skip
# After them: three images, and the second's map at every sixteenth pixel from the ninth.
SCORES = [-4.34658051, -3.64501762, -3.37119794]
MAP = [
    [-0.0607996099, 0.0179882031, 0.0667181984, 0.477688193],
    [-0.136861533, -0.229733542, 0.163474515, 0.189723358],
    [0.55120486, 0.445378125, 0.0996225923, -0.207590684],
    [0.762364686, 0.220089987, -0.463062793, -0.57667166],
]
# Perlin noise of four by two cells on 16 x 32 points: every fourth row, every eighth column.
PERLIN = [
    [-0.19344525, -0.26182726, -0.254398346, 0.213378832],
    [0.107812144, -0.254496276, -0.171717301, -0.272323906],
    [0.345879048, 0.426422119, 0.0247412752, 0.04411887],
    [0.213962838, -0.348216653, -0.294958651, -0.0903209671],
]


def test_losses_scores_and_map(monkeypatch: pytest.MonkeyPatch) -> None:
    tower = filled(timm.create_model("resnet18"), 0, gain=2.0).eval()
    backbone = Backbone(tower, mean=(0.5,) * 3, std=(0.5,) * 3)

    class Drawn(supersimplenet.SuperSimpleNet):
        def _make(self, dim: int, seed: int) -> SuperSimpleHead:
            head = filled(super()._make(dim, seed), 1)
            head.mean.zero_()
            head.std.fill_(1)
            return head

        def _noise(self, shape, seed, step):
            masks = torch.from_numpy((uniform(100, shape[0], 1, *shape[2:]) > 0.7).astype("f4"))
            return masks, 0.015 * torch.from_numpy(normal(200 + step, *shape))

    monkeypatch.setattr(supersimplenet, "batches", lambda count, _size, steps, *_: [np.arange(count)] * steps)
    rows: list[dict[str, float]] = []
    detector = Drawn(backbone=backbone, settings=SuperSimpleNetSettings(steps=10))
    detector.fit(images(1, 3, 64), progress=rows.append)
    np.testing.assert_allclose([row["loss"] for row in rows], LOSSES, rtol=2e-4)
    found = detector.score(images(2, 3, 64))
    np.testing.assert_allclose(found.scores, SCORES, rtol=2e-3)
    np.testing.assert_allclose(found.maps[1, 8::16, 8::16], MAP, atol=2e-3)


def test_perlin_noise() -> None:
    found = perlin(2 * np.pi * uniform(7, 5, 3).astype("f4").astype("f8"), (16, 32))
    np.testing.assert_allclose(found[3::4, 5::8], PERLIN, atol=1e-6)

"""RegAD against figures that its official code gives on the same weights and images.

They come from ``run_regad.py`` beside this file: MediaBrain-SJTU/RegAD at commit
5e2c1f8c18d302b0354471567846fee3ed2ff063 (models.stn.stn_net in mode rotation_scale, models.siamese,
train.train, test.test with its views, covariances and distances) on a ResNet-18.
"""

import numpy as np
import timm
import torch

from fusionmedclip.baselines.regad import detector as regad
from fusionmedclip.baselines.regad.registration import RegistrationNetwork, SiameseHeads
from fusionmedclip.baselines.regad.settings import RegADSettings
from fusionmedclip.models.backbones.backbone import Backbone
from tests.baselines.official.recipe import filled, images

# Last stage's output at one position, two images.
LAST = [
    [0, 0, 0, 0.647453725, 0, 0.0784357414],
    [0, 0.00628583739, 0, 1.65568948, 0.0457394011, 0.00391935743],
]
# The second image's maps of all stages, each brought back.
REGISTERED = [
    [0, 0, 0],
    [1.29607558, 0.627065182, 0.406994402],
    [0, 0.00179740565, 0],
    [2.38682318, 2.19592571, 2.24940252],
    [0.0406998582, 0.00710616959, 0.00281634112],
    [0, 0.0220281146, 0],
    [1.70351195, 2.76901698, 2.15932035],
    [0, 0, 0],
    [2.57701135, 2.46924591, 2.48724341],
]
REGISTERED_MEAN = 0.983126462
# Before each of four steps of SGD on images of 32 pixels.
LOSSES = [0.0004243087023496628, 0.01029557734727859, 0.006466294638812542, 0.005282294936478138]
# After them: Mahalanobis maps of two images from the views of two others.
MAPS = [
    [
        [25.9969978, 25.5487041, 24.2985497, 24.305685],
        [26.6609154, 26.8739567, 26.8339806, 27.2167206],
        [29.1999969, 31.3854446, 33.3074532, 32.4786835],
        [30.7617226, 35.9291458, 37.3473244, 34.9055214],
    ],
    [
        [22.1056557, 21.4367714, 20.7733135, 20.8549309],
        [23.1206875, 22.2464314, 22.0734997, 22.4606647],
        [25.1951008, 23.9928875, 24.1104927, 24.8452396],
        [27.0298958, 25.1140385, 25.141943, 25.8731613],
    ],
]
SCORES = [38.2677917, 27.8678265]
SMALL = 32
SETTINGS = RegADSettings(image_size=SMALL, meta_steps=4, learning_rate=1e-3)


def network(size: int) -> RegistrationNetwork:
    tower = Backbone(timm.create_model("resnet18"), mean=(0, 0, 0), std=(1, 1, 1))
    made = filled(RegistrationNetwork(tower, SETTINGS.layers, size=size, normalise=False), 0, gain=2.0)
    with torch.no_grad():
        for transformer in made.transformers:
            transformer.regress[2].bias += torch.tensor([0.0, 1.0, 1.0])
    return made


class OfTheRecipe(regad.RegAD):
    """Starts from the recipe's weights."""

    def _make(self, size, seed):
        return network(size), filled(SiameseHeads(256), 1, gain=2.0)


def test_registered_features_of_224_pixels():
    made, shown = network(224).eval(), torch.from_numpy(images(2, 2, 224))
    with torch.inference_mode():
        last, got = made(shown)[0][-1], made.registered(shown)
    np.testing.assert_allclose(last[:, ::50, 3, 9], LAST, atol=1e-6)
    np.testing.assert_allclose(got[1, ::50, 11::15, 9], REGISTERED, atol=1e-6)
    np.testing.assert_allclose(got.mean(), REGISTERED_MEAN, rtol=1e-6)


def test_four_steps_then_distances(monkeypatch):
    steps = iter(range(SETTINGS.meta_steps))

    def episode(*_):
        step = next(steps)
        return images(10 + step, 4, SMALL), images(20 + step, 8, SMALL).reshape(4, 2, SMALL, SMALL)

    monkeypatch.setattr(regad, "_episode", episode)
    losses = []
    backbone = Backbone(timm.create_model("resnet18"), mean=(0, 0, 0), std=(1, 1, 1))
    detector = OfTheRecipe(backbone=backbone, settings=SETTINGS)
    detector.fit(
        images(3, 2, SMALL),
        meta={"others": images(9, 2, SMALL)},
        progress=lambda record: losses.append(record["loss"]),
    )
    result = detector.score(images(4, 2, SMALL))
    np.testing.assert_allclose(losses, LOSSES, atol=1e-6)
    np.testing.assert_allclose(result.maps[:, 4::8, 4::8], MAPS, rtol=1e-4)
    np.testing.assert_allclose(result.scores, SCORES, rtol=1e-4)

"""SQUID against figures that its official code gives on the same weights, images and masks.

They come from ``run_squid.py`` beside this file: tiangexiang/SQUID at commit
1bb3b70fd6eb66caaf446a68adf8ee6f6caaee63 (models.squid.AE, SimpleDiscriminator, main.gan_train, main.val)
with configs/chexpert_best.py, but for 64 pixels, 8 channels, 50 slots and a rate that falls step by step.
"""

import itertools

import numpy as np
import torch

from fusionmedclip.baselines.squid import detector as squid
from fusionmedclip.baselines.squid.network import Discriminator, Generator
from fusionmedclip.baselines.squid.settings import SQUIDSettings
from tests.baselines.official.recipe import filled, images, uniform

# The second of two images in evaluation mode, every 16th pixel from the fourth.
STUDENT_BEFORE = [
    [0.564218163, 0.566558123, 0.564545512, 0.563304842],
    [0.569990456, 0.555708766, 0.563430667, 0.557744563],
    [0.55563432, 0.555504918, 0.557537138, 0.555619538],
    [0.562580526, 0.558943748, 0.560144365, 0.56599319],
]
TEACHER_BEFORE = [
    [0.0394589938, 0.0658498481, 0.0158469453, 0.087909162],
    [0.0633443147, 0.114666641, 0.0384442396, 0.14702259],
    [0.0623202212, 0.0976976454, 0.0423308648, 0.098278217],
    [0.0868239105, 0.141093209, 0.0602523647, 0.127653286],
]
DISTANCE_BEFORE = 3.04990315
LOGITS_BEFORE = [-0.680038452, -0.681345403]
# As main.val has them: the discriminator in training mode, one image at a time.
LOGITS_ALONE_BEFORE = [-0.684275389, -0.650196731]
# Before each of six steps of the discriminator, and three of the generator.
JUDGE_LOSSES = [
    1.08184168960486,
    1.291621489982674,
    0.8476235694042459,
    0.92440122745481,
    0.6752847466399069,
    0.6983108846790125,
]
GENERATOR_LOSSES = [2.973439281163205, 3.299229807791212, 2.468275955802657]
STUDENT_AFTER = [
    [0.606594682, 0.625871301, 0.600362837, 0.617456079],
    [0.614564598, 0.59412992, 0.616785109, 0.60508585],
    [0.610823452, 0.622091413, 0.604770899, 0.620122612],
    [0.608636141, 0.606106758, 0.610933065, 0.595879614],
]
TEACHER_AFTER = [
    [0.447434604, 0.56386441, 0.377387404, 0.377838343],
    [0.359036803, 0.528651118, 0.467450768, 0.577199996],
    [0.530395865, 0.396565169, 0.405500561, 0.47011447],
    [0.337669879, 0.578012764, 0.558652818, 0.59817183],
]
DISTANCE_AFTER = 0.662128389
LOGITS_AFTER = [-0.452978164, -0.45587945]
LOGITS_ALONE_AFTER = [-5.06760645, -5.1890893]
SIZE = 64
SETTINGS = SQUIDSettings(image_size=SIZE, width=8, queue_slots=50, matrix_slots=50, steps=6)


class OfTheRecipe(squid.SQUID):
    """Starts from the recipe's weights, and trains in float64, as the official run did."""

    def _make(self, seed):
        made, judge = Generator(self.settings), Discriminator(SIZE)
        filled(made, 0, gain=2.0)
        with torch.no_grad():
            for name, value in made.state_dict().items():
                if "memor" in name:
                    value *= 10
        filled(judge, 1, gain=2.0)
        return torch.nn.ModuleDict({"generator": made, "discriminator": judge}).double()

    def _augmented(self, shown, rows, seed, step):
        return torch.from_numpy(images(10 + step, 2, SIZE))[:, None].double()


def check(detector: squid.SQUID, expected: dict, *, rtol: float) -> None:
    networks = detector._networks.eval().float()
    shown = torch.from_numpy(images(2, 2, SIZE))[:, None]
    with torch.inference_mode():
        out = networks["generator"](shown)
    np.testing.assert_allclose(out.student[1, 0, 4::16, 4::16], expected["student"], rtol=rtol)
    np.testing.assert_allclose(out.teacher[1, 0, 4::16, 4::16], expected["teacher"], rtol=rtol)
    np.testing.assert_allclose(out.distance, expected["distance"], rtol=rtol)
    for statistics, logits in expected["logits"].items():
        detector.settings = SQUIDSettings(**{**SETTINGS.__dict__, "judge_statistics": statistics})
        np.testing.assert_allclose(-detector.score(images(2, 2, SIZE)).scores, logits, rtol=10 * rtol)


def test_untrained():
    detector = OfTheRecipe(settings=SETTINGS)
    detector._networks = detector._make(0)
    check(
        detector,
        {
            "student": STUDENT_BEFORE,
            "teacher": TEACHER_BEFORE,
            "distance": DISTANCE_BEFORE,
            "logits": {"training": LOGITS_BEFORE, "image": LOGITS_ALONE_BEFORE},
        },
        rtol=5e-6,
    )


def test_six_steps(monkeypatch):
    seeds, records = itertools.count(100), []

    def masks(p):
        return (torch.from_numpy(uniform(next(seeds), *p.shape)) < p).to(p)

    monkeypatch.setattr(torch, "bernoulli", masks)
    detector = OfTheRecipe(settings=SETTINGS)
    detector.fit(images(1, 1, SIZE), progress=records.append)
    np.testing.assert_allclose([r["discriminator"] for r in records], JUDGE_LOSSES, rtol=1e-6)
    np.testing.assert_allclose([r["generator"] for r in records[::2]], GENERATOR_LOSSES, rtol=1e-6)
    check(
        detector,
        {
            "student": STUDENT_AFTER,
            "teacher": TEACHER_AFTER,
            "distance": DISTANCE_AFTER,
            "logits": {"training": LOGITS_AFTER, "image": LOGITS_ALONE_AFTER},
        },
        rtol=5e-6,
    )

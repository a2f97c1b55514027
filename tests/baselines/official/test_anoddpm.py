"""AnoDDPM against figures that its official code gives on the same weights, images and noise.

They come from ``run_anoddpm.py`` beside this file: Julian-Wyatt/AnoDDPM at commit
3052f0441a472af55d6e8b1028f5d3156f3d6ed3 (UNetModel, GaussianDiffusionModel, update_ema_params, the loop of
diffusion_training.train, detection.anomalous_metric_calculation, Simplex_CLASS).
"""

from dataclasses import replace

import numpy as np
import torch

from fusionmedclip.baselines.anoddpm.detector import AnoDDPM
from fusionmedclip.baselines.anoddpm.settings import AnoDDPMSettings
from fusionmedclip.baselines.anoddpm.simplex import lattice_weights
from fusionmedclip.baselines.anoddpm.unet import DiffusionUNet
from tests.baselines.official.recipe import filled, images, normal

# The network at steps 3 and 777, every eighth pixel from the second.
OUT = [
    [
        [-0.218907043, 0.388206065, 0.530262828, 0.874129295],
        [-0.3127909, 0.608246744, -1.00091529, 0.560933769],
        [1.13694644, 0.010376337, 0.0813512653, 0.342462063],
        [-0.142433047, -0.351967275, 0.157397434, 0.0140457256],
    ],
    [
        [0.0888214484, 0.0622630306, -0.0918385163, 0.715364039],
        [-0.234680369, 0.483859897, -0.0669646561, 0.725666821],
        [0.116242588, 0.596506536, 0.264523596, -0.473288387],
        [0.100588463, -0.144934326, -0.476311684, 0.0103861149],
    ],
]
OUT_STD = 0.518204629
# Before each of six steps of AdamW; the network of the averages (decay 0.05) after them, at step 500.
LOSSES = [1.44338691, 1.58872604, 1.36234856, 1.31267023, 1.18207622, 1.16236722]
OUT_AFTER = [
    [-0.0076949466, 0.340303361, 0.189101309, 0.744714856],
    [-0.073720485, 0.331252903, -1.74850559, 0.277000278],
    [0.982639849, 0.416916817, 0.436151415, 0.320727676],
    [-0.210987747, -0.305262983, 0.184545204, 0.0128176482],
]
# Untrained: squared error of twelve steps into the noise and back.
ERROR = [
    [0.000112268419, 0.00215903856, 0.0043120184, 0.0196702369],
    [0.000391859736, 0.0230869185, 4.06750189e-07, 0.000199109738],
    [0.00109695259, 0.028574096, 6.94661721e-05, 0.0197483432],
    [0.0262197889, 0.0146528715, 0.0103933746, 0.00335769355],
]
ERROR_MEAN = 0.00810703915
# Gradients of the official noise of seed 7 at the lattice points around six points, and the noise there.
GRADIENTS_AT = [
    [4, 4, 11], [4, 4, -11], [4, 11, -4], [-4, 4, -11], [-11, 4, -4], [-4, 11, 4], [11, -4, 4],
    [-11, -4, -4], [-4, -4, -11], [-4, -4, 11], [-11, -4, -4], [4, -11, -4], [4, 11, -4], [11, -4, 4],
    [4, 11, 4], [-11, -4, 4], [4, -11, 4], [4, 4, -11], [-4, 11, 4], [-4, -11, -4], [4, -4, 11],
    [-4, 11, 4], [-11, 4, -4], [-4, 4, 11], [4, 4, -11], [-11, -4, 4], [-4, 4, 11], [4, -4, -11],
    [11, -4, -4], [-4, -4, 11], [-11, -4, -4], [11, 4, -4], [4, -11, -4], [4, 11, 4], [-11, 4, -4],
    [-4, 4, 11], [-4, 4, -11], [4, 11, -4], [4, -11, 4],
]  # fmt: skip
NOISE = [
    0.2165635907333739, 0.4205633769601517, -0.004827927651472005, 0.01789555446289549, 0.495267552938042,
    -0.3999401135007253,
]  # fmt: skip

SIZE = 32
SETTINGS = AnoDDPMSettings(
    image_size=SIZE,
    channels=(32, 64, 96, 128),
    attention=(True, True, True, False),  # 32, 16 and 8 pixels, not 4
    steps=6,
    ema=0.05,
    test_timesteps=12,
)


def noise(seed: int) -> torch.Tensor:
    return torch.from_numpy(normal(seed, 1, 1, SIZE, SIZE))


def network() -> DiffusionUNet:
    return filled(DiffusionUNet(SETTINGS.channels, SETTINGS.attention), 0)


class OfDrawnNoise(AnoDDPM):
    """Starts from the recipe's weights; steps and noise are those of the official run."""

    def _make(self, seed):
        return network()

    def _example(self, shown, seed, step, rows):
        clean = torch.from_numpy(shown[rows])[:, None] * 2 - 1
        return clean, torch.tensor([97 * step]), noise(100 + step)

    def _field(self, *purpose):
        return noise(200) if purpose[2] == "test" else noise(201 + purpose[3])


def test_attention_where_the_official_scripts_leave_it():
    # They never pass attention_resolutions, so UNetModel's own default holds, whatever test_args say.
    settings = AnoDDPMSettings()
    sides = [settings.image_size // 2**level for level in range(len(settings.channels))]
    assert [side for side, has in zip(sides, settings.attention, strict=True) if has] == [32, 16, 8]


def test_network():
    with torch.inference_mode():
        out = network().eval()(torch.from_numpy(normal(1, 2, 1, SIZE, SIZE)), torch.tensor([3, 777]))
    np.testing.assert_allclose(out[:, 0, 2::8, 2::8], OUT, atol=1e-6)
    np.testing.assert_allclose(out.std(), OUT_STD, rtol=1e-6)


def test_six_steps():
    losses = []
    detector = OfDrawnNoise(settings=SETTINGS)
    detector.fit(images(1, 1, SIZE), progress=lambda record: losses.append(record["loss"]))
    with torch.inference_mode():
        after = detector._network(noise(1), torch.tensor([500]))
    np.testing.assert_allclose(losses, LOSSES, rtol=5e-5)
    np.testing.assert_allclose(after[0, 0, 2::8, 2::8], OUT_AFTER, atol=5e-4)


def test_squared_error_of_the_way_back():
    detector = OfDrawnNoise(settings=replace(SETTINGS, steps=0)).fit(images(1, 1, SIZE))
    result = detector.score(images(2, 1, SIZE))
    np.testing.assert_allclose(result.maps[0, 2::8, 2::8], ERROR, atol=5e-7)
    np.testing.assert_allclose(result.scores, ERROR_MEAN, rtol=5e-6)


def test_simplex_noise():
    points = np.random.RandomState(3).uniform(-20, 20, (6, 3))
    _, weights = lattice_weights(points)
    np.testing.assert_allclose(weights @ np.ravel(GRADIENTS_AT).astype(float), NOISE, rtol=1e-12, atol=1e-14)

"""AnoDDPM's noise and diffusion against loops and textbook formulae; see also ``official/``."""

import itertools

import numpy as np
import pytest
import torch

from fusionmedclip.baselines import create
from fusionmedclip.baselines.anoddpm.diffusion import Diffusion, linear_variances
from fusionmedclip.baselines.anoddpm.simplex import GRADIENTS, SimplexNoise, lattice_weights
from fusionmedclip.randomness import generator

SMALL = {
    "image_size": 32,
    "channels": [8, 16],
    "attention": [False, True],
    "residual_blocks": 1,
    "norm_groups": 8,
    "reverse_steps": 3,
}


def test_gradients_are_the_permutations_and_signs():
    expected = {
        tuple(s * v for s, v in zip(signs, values, strict=True))
        for values in set(itertools.permutations((11, 4, 4)))
        for signs in itertools.product((1, -1), repeat=3)
    }
    assert {tuple(int(v) for v in row) for row in GRADIENTS} == expected
    assert len(GRADIENTS) == 24


def test_noise_against_a_sum_over_the_whole_lattice():
    rng = generator("simplex test")
    points = rng.uniform(-1.5, 1.5, (30, 3))
    vertices, weights = lattice_weights(points)
    gradient = {tuple(v): rng.standard_normal(3) for v in vertices.tolist()}
    got = weights @ np.concatenate([gradient[tuple(v)] for v in vertices.tolist()])
    for point, value in zip(points, got, strict=True):
        total = 0.0
        for vertex in itertools.product(range(-6, 7), repeat=3):
            away = point - (np.array(vertex) + sum(vertex) / 3)
            reach = 2 - away @ away
            if reach > 0:
                total += reach**4 * (gradient[vertex] @ away) / 103
        assert value == pytest.approx(total, abs=1e-12)


@pytest.mark.long
def test_statistics_of_the_official_noise():
    # Julian-Wyatt/AnoDDPM, commit 3052f04: 400 fields of rand_3d_fixed_T_octaves((128, 128), t, 6, 0.8, 64),
    # new seeds, steps t below 800: standard deviation 0.506, kurtosis 2.80, correlation of pixels 1, 4, 16
    # and 64 apart 0.964, 0.806, 0.451 and -0.008 along rows, 0.964, 0.806, 0.451 and -0.010 along columns.
    noise = SimplexNoise(128)
    fields = np.stack([noise.field("statistics", i) for i in range(300)]).astype(float)
    power = (fields**2).mean()
    assert fields.mean() == pytest.approx(0, abs=0.03)
    assert np.sqrt(power) == pytest.approx(0.506, abs=0.015)
    assert (fields**4).mean() / power**2 == pytest.approx(2.80, abs=0.15)
    for lag, expected in ((1, 0.964), (4, 0.806), (16, 0.451), (64, 0.0)):
        along_rows = (fields[:, :, :-lag] * fields[:, :, lag:]).mean() / power
        along_columns = (fields[:, :-lag] * fields[:, lag:]).mean() / power
        tolerance = 0.01 if lag < 16 else 0.05
        assert along_rows == pytest.approx(expected, abs=tolerance)
        assert along_columns == pytest.approx(expected, abs=tolerance)


def test_noise_is_a_function_of_its_purpose():
    one, other = SimplexNoise(16), SimplexNoise(16)
    assert np.array_equal(one.field(0, "a"), other.field(0, "a"))
    one.field(5)
    assert np.array_equal(one.field(0, "a"), other.field(0, "a"))
    assert not np.array_equal(one.field(0, "a"), one.field(0, "b"))
    assert one.field(0).dtype == np.float32


def test_schedule_of_ho_et_al():
    variances = linear_variances(1000)
    assert variances[0] == pytest.approx(1e-4)
    assert variances[-1] == pytest.approx(0.02)


@pytest.mark.parametrize("steps", [None, 1, 2, 7, 20])
def test_a_network_that_knows_the_noise_brings_the_image_back(steps):
    diffusion = Diffusion(linear_variances(100))
    images = torch.from_numpy(generator("clean").uniform(-0.9, 0.9, (2, 1, 4, 4)).astype("f4"))

    def true_noise(x, t):
        kept = torch.as_tensor(diffusion.kept, dtype=torch.float32)[t].view(-1, 1, 1, 1)
        return (x - kept.sqrt() * images) / (1 - kept).sqrt()

    noise = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    noised = diffusion.noised(images, torch.full((2,), 19), noise)
    taken = []

    def fresh(t):
        taken.append(t)
        return torch.ones(1, 1, 4, 4)

    back = diffusion.back(true_noise, noised, start=20, steps=steps, noise=fresh)
    np.testing.assert_allclose(back, images, atol=1e-4)
    assert len(taken) == (20 if steps is None else steps) - 1
    assert taken == sorted(set(taken), reverse=True)


def test_training_lowers_the_loss(phantoms):
    losses = []
    create("anoddpm", **SMALL, steps=60, learning_rate=2e-3).fit(
        phantoms[0][:4], progress=lambda record: losses.append(record["loss"])
    )
    assert len(losses) == 60
    assert np.mean(losses[-15:]) < 0.8 * np.mean(losses[:5])


def test_a_score_does_not_depend_on_its_neighbours(phantoms):
    detector = create("anoddpm", **SMALL, steps=1).fit(phantoms[0][:2])
    together, alone = detector.score(phantoms[1]), detector.score(phantoms[1][3:4])
    np.testing.assert_allclose(together.scores[3], alone.scores[0], rtol=1e-3)


def test_score_is_the_chosen_statistic_of_the_map(phantoms):
    for score, statistic in (("mean", np.mean), ("max", np.max)):
        detector = create("anoddpm", **{**SMALL, "image_size": 64}, steps=1, score=score).fit(phantoms[0][:2])
        result = detector.score(phantoms[1][:2])
        np.testing.assert_allclose(result.scores, statistic(result.maps, axis=(1, 2)), rtol=1e-5)


def test_gaussian_noise_is_a_choice(phantoms):
    create("anoddpm", **SMALL, steps=1, noise="gaussian").fit(phantoms[0][:2]).score(phantoms[1][:1])

"""Intensity and density changes: bounds, signs, correlation lengths, soft borders."""

import numpy as np
import pytest

from fusionmedclip.synthesis import SynthesisSettings, synthesize
from fusionmedclip.synthesis import density as density_module
from fusionmedclip.synthesis.density import smooth_noise


def draw(image, support, task, seed, **values):
    settings = SynthesisSettings.from_dict({"foreground": False, "second_anomaly_probability": 0, **values})
    return synthesize(image, support, task=task, rng=np.random.default_rng(seed), settings=settings)


@pytest.mark.parametrize("sigma", [1.0, 4.0, 7.0])
def test_noise_has_the_correlation_of_blurred_white_noise(sigma):
    noise = smooth_noise((400, 400), sigma=sigma, rng=np.random.default_rng(0)).astype(np.float64)
    assert noise.min() == 0
    assert noise.max() == pytest.approx(1)
    noise -= noise.mean()
    for lag in (round(sigma), round(2 * sigma)):
        found = (noise[:, lag:] * noise[:, :-lag]).mean() / (noise**2).mean()
        # White noise blurred with sigma has the autocorrelation exp(-lag^2 / (4 sigma^2)).
        assert found == pytest.approx(np.exp(-(lag**2) / (4 * sigma**2)), abs=0.12)


def test_gaussian_change_is_bounded_and_one_sided():
    image = np.full((96, 96), 0.5, dtype=np.float32)
    signs = set()
    for seed in range(30):
        result, mask = draw(image, image[None], "gaussian", seed, gaussian={"intensity": [0.2, 0.3]})
        change = (result - image)[mask]
        assert np.abs(change).max() <= 0.3 + 1e-6
        assert (change >= 0).all() or (change <= 0).all()
        signs.add(np.sign(change.sum()))
    assert signs == {-1, 1}


@pytest.mark.parametrize(("bright", "sign"), [(1.0, 1), (0.0, -1)])
def test_density_lesions_are_as_bright_as_asked(bright, sign, support):
    for seed in range(30):
        result, mask = draw(support[0], support, "density", seed, density={"bright_probability": bright})
        assert np.sign((result - support[0])[mask].mean()) == sign


def test_density_mixes_by_beta():
    image = np.full((96, 96), 0.4, dtype=np.float32)
    plain = {
        "bright_probability": 1,
        "brighter": [0.5, 0.5],
        "tissue_texture": [0, 0],
        "unevenness": [0, 0],
        "irregularity": [0, 0],
        "side": [0.4, 0.4],
        "edge_sigma": [1, 1],
    }
    for beta in (0.25, 0.5, 1.0):
        result, mask = draw(image, image[None], "density", 1, density={**plain, "beta": [beta, beta]})
        # Eq. 13 where the blurred mask is 1: (1 - beta) 0.4 + beta (0.4 + half of the way to white).
        assert result[mask].max() == pytest.approx(0.4 + beta * 0.5 * 0.6, abs=1e-4)


def test_perlin_outlines_are_perlin_masks(monkeypatch):
    """Flat tissue, a hard edge, no mixing: what changes is the Perlin mask itself, the blur's tail aside."""
    image, blobs = np.full((128, 128), 0.4, dtype=np.float32), []
    drawn = density_module.perlin_mask
    monkeypatch.setattr(
        density_module,
        "perlin_mask",
        lambda *args, **kwargs: blobs.append(drawn(*args, **kwargs)) or blobs[-1],
    )
    values = {"tissue_texture": [0, 0], "unevenness": [0, 0], "edge_sigma": [0.2, 0.2], "side": [0.3, 0.3]}
    for seed in range(10):
        result, mask = draw(image, image[None], "density", seed, density={**values, "outline": "perlin"})
        blob = blobs[-1]
        rows, columns = np.nonzero(mask)
        assert mask.sum() == pytest.approx(blob.sum(), rel=0.15)
        assert rows.max() - rows.min() <= blob.shape[0] + 2
        assert columns.max() - columns.min() <= blob.shape[1] + 2
        assert (result != image).any()
    draw(image, image[None], "density", 0, density=values)
    assert len(blobs) == 10


def test_density_borders_are_soft(support):
    sharp, soft = (
        np.mean(
            [
                np.abs(np.diff(draw(image, image[None], "density", seed, density=density)[0], axis=1)).max()
                for seed in range(20)
            ]
        )
        for image in [np.full((224, 224), 0.4, dtype=np.float32)]
        for density in ({"edge_sigma": [0.3, 0.3]}, {"edge_sigma": [6, 6]})
    )
    assert soft < 0.4 * sharp


def test_a_rim_turns_the_centre_the_other_way():
    image = np.full((96, 96), 0.5, dtype=np.float32)
    values = {"bright_probability": 1, "side": [0.4, 0.4], "tissue_texture": [0, 0], "unevenness": [0, 0]}
    result, mask = draw(image, image[None], "density", 0, density={**values, "rim_probability": 1})
    assert (result[mask] > 0.5).any()
    assert (result[mask] < 0.5).any()
    result, mask = draw(image, image[None], "density", 0, density={**values, "rim_probability": 0})
    assert not (result[mask] < 0.5).any()


def test_lesions_keep_their_depth(phantom):
    image = phantom(192, 192)
    rows, columns = np.mgrid[:192, :192]
    depth_share = 1 - np.hypot((rows - 96) / (0.42 * 192), (columns - 96) / (0.38 * 192))
    for seed in range(30):
        _result, mask = draw(
            image, image[None], "density", seed, foreground=True, density={"depth": 0.5, "side": [0.1, 0.1]}
        )
        centre = np.argwhere(mask).mean(axis=0).astype(int)
        assert depth_share[tuple(centre)] > 0.3

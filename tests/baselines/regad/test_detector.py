"""RegAD against loops and hand calculation; see also ``official/``."""

import numpy as np
import pytest
import torch

from fusionmedclip.baselines import create
from fusionmedclip.baselines.regad.detector import _episode
from fusionmedclip.baselines.regad.position_gaussians import PositionGaussians
from fusionmedclip.baselines.regad.registration import RegistrationNetwork, inverse_affine, warp
from fusionmedclip.baselines.regad.support_views import support_views
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator

SMALL = {"image_size": 64, "meta_steps": 2, "meta_batch": 3, "meta_shots": 1}


def test_transformers_start_as_the_identity(resnet):
    network = RegistrationNetwork(resnet, ("layer1", "layer2"), size=64, normalise=True).eval()
    images = torch.from_numpy(generator("regad").random((2, 64, 64), dtype=np.float32))
    with torch.no_grad():
        warped, thetas = network(images)
        plain = resnet.feature_maps(resnet.pixels(images), ["layer1", "layer2"])
    for theta in thetas:
        np.testing.assert_allclose(theta, np.broadcast_to([[1, 0, 0], [0, 1, 0]], (2, 2, 3)), atol=1e-6)
    for a, b in zip(warped, plain, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)
    assert not resnet.trunk.layer1._forward_hooks


def test_inverse_warp_brings_smooth_maps_back():
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    maps = torch.exp(-4 * (x - 0.1) ** 2 - 6 * (y + 0.2) ** 2)[None, None]
    theta = torch.tensor([[[0.9, -0.3, 0.0], [0.3, 1.1, 0.0]]])
    there = warp(maps, theta)
    assert (there - maps).abs().max() > 0.1
    assert (warp(there, inverse_affine(theta)) - maps)[..., 16:48, 16:48].abs().max() < 0.02


def test_gaussians_against_loops(frozen_normal):
    samples, tests = frozen_normal(0, 7, 5, 12), frozen_normal(1, 3, 5, 12)
    gaussians = PositionGaussians.fit(torch.from_numpy(samples), ridge=0.01, block=5)
    got = gaussians.distances(torch.from_numpy(tests)).numpy()
    for p in range(12):
        mean = samples[:, :, p].astype(float).mean(axis=0)
        covariance = np.cov(samples[:, :, p].astype(float).T) + 0.01 * np.eye(5)
        for n in range(3):
            away = tests[n, :, p] - mean
            expected = np.sqrt(away @ np.linalg.inv(covariance) @ away)
            np.testing.assert_allclose(got[n, p], expected, rtol=1e-4)


def test_gaussians_of_fewer_samples_than_channels(frozen_normal):
    samples, tests = frozen_normal(0, 4, 30, 2), frozen_normal(1, 2, 30, 2)
    got = PositionGaussians.fit(torch.from_numpy(samples), ridge=0.01).distances(torch.from_numpy(tests))
    covariance = np.cov(samples[:, :, 1].astype(float).T) + 0.01 * np.eye(30)
    away = tests[1, :, 1] - samples[:, :, 1].astype(float).mean(axis=0)
    np.testing.assert_allclose(got[1, 1], np.sqrt(away @ np.linalg.solve(covariance, away)), rtol=1e-3)


def test_support_views():
    image = torch.zeros(1, 64, 64)
    image[0, 20, 30] = 1
    views = support_views(image)
    assert views.shape == (22, 64, 64)
    assert torch.equal(views[0], image[0])
    assert torch.equal(views[17], image[0].flip(1))
    assert views[17, 20, 63 - 30] == 1
    assert views[19, 63 - 30, 20] == 1  # a quarter turn
    assert torch.equal(views[20], image[0].flip(0).flip(1))
    # Views 9 to 16 are moves; the first by 0.2 of half the side, so 6.4 pixels up and to the left or back.
    for number, size in ((9, 0.2), (13, 0.1)):
        ys, xs = np.nonzero(views[number].numpy() > 0.05)
        assert abs(abs(ys.mean() - 20) - size * 32) <= 1
        assert abs(abs(xs.mean() - 30) - size * 32) <= 1


def test_episode_never_registers_an_image_to_itself():
    sets = [np.arange(4.0).reshape(4, 1, 1), 10 + np.arange(8.0).reshape(8, 1, 1)]
    seen = set()
    for step in range(50):
        query, support = _episode(sets, 3, 5, generator(0, step))
        assert query.shape == (3, 1, 1)
        assert support.shape == (3, 5, 1, 1)
        assert (support != query[:, None]).all()
        assert ((query >= 10).all() and (support >= 10).all()) or (
            (query < 10).all() and (support < 10).all()
        )
        seen.update(query.ravel().tolist())
    assert len(seen) == 12


def test_meta_sets_are_needed_and_named(resnet, phantoms):
    with pytest.raises(InputError, match=r"(?s)nothing to learn.*meta_source: support"):
        create("regad", backbone=resnet, **SMALL).fit(phantoms[0][:2])
    create("regad", backbone=resnet, **{**SMALL, "meta_source": "support"}).fit(phantoms[0][:2])


def test_order_of_the_meta_sets_does_not_matter(resnet, phantoms):
    normal, lesion = phantoms
    first, second = normal[:4], normal[4:8]
    scores = [
        create("regad", backbone=resnet, **SMALL).fit(normal[8:10], meta=meta).score(lesion[:2]).scores
        for meta in ({"a": first, "b": second}, {"b": second, "a": first})
    ]
    assert np.array_equal(*scores)


def test_transformer_towers_are_refused(tiny_clip, phantoms):
    with pytest.raises(InputError, match="convolutional"):
        create("regad", backbone=tiny_clip, **SMALL).fit(phantoms[0][:2], meta={"a": phantoms[0][2:5]})


def test_what_was_learnt_ahead_gives_the_bits_of_one_fit(resnet, phantoms, tmp_path):
    """With more support images than it was learnt with, and another order of them."""
    normal, lesion = phantoms
    meta = {"a": normal[:4], "b": normal[4:8]}
    create("regad", backbone=resnet, **SMALL).learn(meta, seed=3).save_learnt(tmp_path)
    for support in (normal[8:10], normal[[10, 9, 8]]):
        whole = create("regad", backbone=resnet, **SMALL).fit(support, seed=3, meta=meta)
        ahead = create("regad", backbone=resnet, **SMALL).fit(support, seed=3, learnt=tmp_path)
        for one, other in zip(whole.score(lesion[:2]), ahead.score(lesion[:2]), strict=True):
            assert np.array_equal(one, other)
        assert ahead.trained == whole.trained


@pytest.mark.parametrize("changed", [{"meta_shots": None}, {"meta_source": "support"}, {"meta_steps": 0}])
def test_what_depends_on_the_support_set_is_not_learnt_ahead(resnet, phantoms, changed):
    detector = create("regad", backbone=resnet, **{**SMALL, **changed})
    assert not detector.settings.learns_ahead
    with pytest.raises(InputError, match="meta_shots"):
        detector.learn({"a": phantoms[0][:4]})

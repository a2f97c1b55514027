"""CutPaste's views, its density, and its training."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf

from fusionmedclip.baselines import create
from fusionmedclip.baselines.cutpaste.density import GaussianDensity
from fusionmedclip.baselines.cutpaste.detector import CutPaste
from fusionmedclip.baselines.cutpaste.settings import CutPasteSettings
from fusionmedclip.baselines.cutpaste.views import paste_patch, paste_scar, shift_and_jitter
from fusionmedclip.baselines.resizing import resize_images
from fusionmedclip.baselines.training import batches
from fusionmedclip.randomness import generator

SIDE = 128


@pytest.fixture(scope="module")
def noise():
    """Pixels all different, so that every pasted one shows."""
    return (
        generator("cutpaste test").permutation(SIDE * SIDE).reshape(SIDE, SIDE).astype(np.float32) / SIDE**2
    )


def box(changed):
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def test_patch_is_one_rectangle_of_the_image_within_the_stated_areas(noise):
    settings = CutPasteSettings(jitter=0)
    shares, tall = [], []
    for index in range(200):
        pasted = paste_patch(noise, generator(0, index), settings)
        changed = pasted != noise
        if not changed.any():  # pasted where it was cut
            continue
        height, width = box(changed)
        shares.append(height * width / SIDE**2)
        tall.append(height / width)
        # Without jitter every pasted pixel is a pixel of the image.
        assert np.isin(pasted[changed], noise).all()
    assert min(shares) > 0.015
    assert max(shares) < 0.16
    assert np.mean(shares) == pytest.approx((0.02 + 0.15) / 2, abs=0.01)
    assert 0.28 < min(tall) < 0.5
    assert 2 < max(tall) < 3.5
    assert 0.35 < np.mean(np.array(tall) > 1) < 0.65


def test_aspects_are_those_of_the_paper(noise):
    # The paper samples them from (0.3, 1) and (1, 3.3); the larger a patch, the better its box tells.
    settings = CutPasteSettings(jitter=0, area=(0.14, 0.15))
    sides = [box(paste_patch(noise, generator(5, i), settings) != noise) for i in range(400)]
    tall = np.array([height / width for height, width in sides])
    assert tall.min() == pytest.approx(0.3, abs=0.01)
    assert tall.max() == pytest.approx(3.3, abs=0.1)
    assert np.median(tall[tall < 1]) == pytest.approx(0.65, abs=0.05)
    assert np.median(tall[tall > 1]) == pytest.approx(2.15, abs=0.15)


def test_scar_is_thin_and_turned(noise):
    settings = CutPasteSettings(jitter=0)
    areas = [(paste_scar(noise, generator(1, i), settings) != noise).sum() for i in range(200)]
    # At 128 pixels the sides are half of 2-16 and 10-25; a turned cut loses or gains a pixel row.
    assert max(areas) <= 8 * 12.5 * 1.3
    assert 5 <= np.median(areas) <= 60
    sides = [max(box(paste_scar(noise, generator(1, i), settings) != noise)) for i in range(50)]
    assert max(sides) <= np.hypot(8, 12.5) + 2


def test_scar_fits_the_smallest_images():
    image = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    for index in range(20):
        assert paste_scar(image, generator(2, index), CutPasteSettings(scar_height=(200, 250))).shape == (
            8,
            8,
        )


def test_normal_view_moves_and_jitters_a_little():
    image = np.zeros((64, 64), np.float32)
    image[24:40, 24:40] = 0.5
    for index in range(20):
        view = shift_and_jitter(image, generator(3, index), CutPasteSettings())
        ys, xs = np.nonzero(view > 0.3)
        assert abs(ys.mean() - 31.5) <= 0.05 * 64 + 0.5
        assert abs(xs.mean() - 31.5) <= 0.05 * 64 + 0.5
        assert 0.5 * 0.9 * 0.9 - 0.05 <= view.max() <= 0.5 * 1.1 * 1.1 + 0.05
        assert view.min() >= 0
    still = CutPasteSettings(translation=0, jitter=0)
    assert np.allclose(shift_and_jitter(image, generator(0), still), image, atol=1e-6)


def test_density_against_scikit_learn_and_scipy(frozen_normal):
    samples, others = frozen_normal(0, 6, 10).astype(float), frozen_normal(1, 4, 10).astype(float)
    density = GaussianDensity.fit(samples)
    covariance, shrinkage = ledoit_wolf(samples)
    assert 0 < shrinkage <= 1
    np.testing.assert_allclose(density.precision, np.linalg.inv(covariance), rtol=1e-8)
    log_density = multivariate_normal(samples.mean(axis=0), covariance).logpdf(others)
    got = density.energy(others)
    np.testing.assert_allclose(got - got[0], -(log_density - log_density[0]), rtol=1e-8, atol=1e-8)


def test_training_learns_the_views_and_leaves_the_backbone(resnet, phantoms):
    before = {name: value.clone() for name, value in resnet.state_dict().items()}
    losses = []
    create("cutpaste", backbone=resnet, image_size=32, steps=20, train_batch=3, learning_rate=0.01).fit(
        phantoms[0][:6], progress=lambda record: losses.append(record["loss"])
    )
    assert len(losses) == 20
    assert losses[0] == pytest.approx(np.log(3), abs=0.4)
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    assert all(value.equal(before[name]) for name, value in resnet.state_dict().items())


class OfPixels(CutPaste):
    """A classifier of fixed random projections of the views: the tower's own weights get no gradients."""

    def _pooled(self, network, images):
        pixels = torch.as_tensor(images).flatten(1)
        weights = torch.from_numpy(np.random.RandomState(0).standard_normal((pixels.shape[1], 512)))
        return pixels @ weights.float() / pixels.shape[1] ** 0.5


def test_steps_are_the_papers_by_hand(resnet, phantoms, monkeypatch):
    # SGD: v <- 0.9 v + (g + 3e-5 p), p <- p - rate v; one cosine from 0.03 to 0 in 256 steps.
    seen = []
    step = torch.optim.SGD.step

    def watched(optimiser, *args):
        weight = optimiser.param_groups[0]["params"][-1]  # the classifier's last bias
        before, gradient = weight.detach().numpy().astype(float), weight.grad.numpy().astype(float)
        step(optimiser, *args)
        seen.append((before, gradient, weight.detach().numpy().astype(float)))

    monkeypatch.setattr(torch.optim.SGD, "step", watched)
    OfPixels(backbone=resnet, settings=CutPasteSettings(image_size=16, density_views=2)).fit(phantoms[0][:1])
    assert len(seen) == 256
    velocity = np.zeros(3)
    for number, (before, gradient, after) in enumerate(seen):
        velocity = 0.9 * velocity + gradient + 3e-5 * before
        rate = 0.03 * (1 + np.cos(np.pi * number / 256)) / 2
        np.testing.assert_allclose(after, before - rate * velocity, rtol=1e-5, atol=1e-8)


def test_loss_is_the_mean_over_normal_patch_and_scar_views(resnet, phantoms):
    losses = []
    settings = CutPasteSettings(image_size=16, steps=1)
    detector = OfPixels(backbone=resnet, settings=settings)
    detector.fit(phantoms[0][:4], progress=lambda record: losses.append(record["loss"]))
    rows = next(iter(batches(4, settings.train_batch, 1, 0, "cutpaste")))
    views, labels = detector._views(resize_images(phantoms[0][:4], 16)[rows], 0, 0)
    with torch.no_grad():
        logits = detector._classifier(0)(detector._pooled(None, views)).numpy().astype(float)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    expected = -np.mean([np.log(row[label]) for row, label in zip(chances, labels.tolist(), strict=True)])
    assert losses == pytest.approx([expected], rel=1e-5)


def test_no_map(resnet, phantoms):
    detector = create("cutpaste", backbone=resnet, image_size=None, steps=1, train_batch=2)
    assert detector.fit(phantoms[0][:2]).score(phantoms[1]).maps is None

"""Mixup of images, captions and targets."""

import numpy as np
import pytest
import torch

from fusionmedclip.training.pretrain.mixup import Mix, draw_mix, mix_images, mix_targets, mix_texts


def test_partners_turn_in_groups_of_four():
    mix = draw_mix(8, 0.2, 0, "test")
    assert mix.partner.tolist() == [1, 2, 3, 0, 5, 6, 7, 4]
    assert draw_mix(6, 0.2, 0, "test").partner.tolist() == [1, 2, 3, 0, 5, 4]
    assert draw_mix(5, 0.2, 0, "test").partner.tolist() == [1, 2, 3, 0, 4]


def test_weights_follow_the_folded_beta_distribution():
    weights = np.array([draw_mix(4, 0.2, 0, step).weight for step in range(2000)])
    rng = np.random.default_rng(1).beta(0.2, 0.2, 100_000)
    expected = np.maximum(rng, 1 - rng)
    assert weights.min() >= 0.5
    assert weights.mean() == pytest.approx(expected.mean(), abs=4 * expected.std() / 2000**0.5)


def test_no_mixup_at_alpha_zero():
    images = torch.rand(4, 3)
    assert draw_mix(4, 0, 0, "test") is None
    assert mix_images(images, None, slice(0, 4)) is images
    assert mix_texts(images, None) is images
    assert torch.equal(mix_targets(None, 3), torch.eye(3))


def test_images_by_hand_and_by_share():
    images = torch.tensor([[0.0], [1.0], [2.0], [3.0], [10.0], [20.0], [30.0], [40.0]])
    mix = Mix(0.75, np.array([1, 2, 3, 0, 5, 6, 7, 4]))
    expected = torch.tensor([[0.25], [1.25], [2.25], [2.25], [12.5], [22.5], [32.5], [32.5]])
    assert torch.allclose(mix_images(images, mix, slice(0, 8)), expected)
    # The second process of two has rows 4 to 7 alone, and needs no others.
    assert torch.allclose(mix_images(images[4:], mix, slice(4, 8)), expected[4:])


def test_texts_by_hand():
    texts = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    mixed = mix_texts(texts, Mix(0.75, np.array([1, 0])))
    length = (0.75**2 + 0.25**2) ** 0.5
    expected = torch.tensor([[0.75, 0.25], [0.25, 0.75]]) / length
    assert torch.allclose(mixed, expected)


def test_targets_by_hand():
    targets = mix_targets(Mix(0.75, np.array([1, 2, 0])), 3)
    assert targets.tolist() == [[0.75, 0.25, 0], [0, 0.75, 0.25], [0.25, 0, 0.75]]

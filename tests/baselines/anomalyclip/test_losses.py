"""AnomalyCLIP's losses against loops over pixels; the chain stands in `official`."""

import math

import pytest
import torch

from fusionmedclip.baselines.anomalyclip.losses import dice_loss, local_loss, smoothed_focal_loss


@pytest.fixture
def drawn():
    generator = torch.Generator().manual_seed(3)
    states = torch.randn((2, 2, 3, 4), generator=generator).softmax(dim=1)
    return states, (torch.rand((2, 3, 4), generator=generator) > 0.6).float()


def pixels(states, masks):
    for image in range(2):
        for row in range(3):
            for column in range(4):
                yield states[image, :, row, column].tolist(), int(masks[image, row, column])


def test_focal_loss_by_a_loop(drawn):
    found = []
    for chances, truth in pixels(*drawn):
        share = [1e-5, 1e-5]
        share[truth] = 1 - 1e-5
        true = sum(s * p for s, p in zip(share, chances, strict=True)) + 1e-5
        found.append(-((1 - true) ** 2) * math.log(true))
    assert smoothed_focal_loss(*drawn).item() == pytest.approx(sum(found) / len(found), rel=1e-6)


def test_dice_loss_by_a_loop(drawn):
    states, masks = drawn
    shares = []
    for image, mask in zip(states[:, 1].flatten(1).tolist(), masks.flatten(1).tolist(), strict=True):
        both = sum(a * b for a, b in zip(image, mask, strict=True))
        shares.append((2 * both + 1) / (sum(image) + sum(mask) + 1))
    assert dice_loss(states[:, 1], masks).item() == pytest.approx(1 - sum(shares) / 2, rel=1e-6)


def test_the_map_is_held_to_both_states(drawn):
    states, masks = drawn
    expected = (
        smoothed_focal_loss(states, masks)
        + dice_loss(states[:, 1], masks)
        + dice_loss(states[:, 0], 1 - masks)
    )
    torch.testing.assert_close(local_loss(states, masks), expected)
    assert local_loss(torch.stack([1 - masks, masks], dim=1), masks).item() == pytest.approx(0, abs=1e-6)

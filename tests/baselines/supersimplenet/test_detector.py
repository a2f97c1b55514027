"""SuperSimpleNet's loss by a loop, its masks, what it learns and saves; the chain stands in `official`."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from fusionmedclip.baselines import create
from fusionmedclip.baselines.supersimplenet.network import SuperSimpleHead, training_loss
from fusionmedclip.baselines.supersimplenet.noise import noise_masks
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator

SMALL = {"layers": ("layer2", "layer3"), "hidden": 16, "head": 8, "steps": 3}


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("covered", [True, False])
def test_loss_by_a_loop(covered):
    found, score = drawn(1, 2, 1, 3, 3), drawn(2, 2)
    masks = torch.zeros(2, 1, 3, 3)
    masks[1, 0, :2] = float(covered)
    normal = [max(0.0, 0.5 + v) for v, m in zip(found.flatten(), masks.flatten(), strict=True) if not m]
    bad = [max(0.0, 0.5 - v) for v, m in zip(found.flatten(), masks.flatten(), strict=True) if m]

    def focal(values, targets):
        terms = []
        for value, target in zip(values, targets, strict=True):
            right = torch.sigmoid(value if target else -value)
            terms.append(-((1 - right) ** 4) * torch.log(right))
        return sum(terms) / len(terms)

    expected = sum(normal) / len(normal) + (sum(bad) / len(bad) if bad else 0)
    expected += focal(found.flatten(), masks.flatten()) + focal(score, [0, float(covered)])
    torch.testing.assert_close(training_loss(found, score, masks, margin=0.5), torch.as_tensor(expected))


def test_the_score_teaches_the_map_nothing():
    head = SuperSimpleHead(6, 8, 4)
    _, score = head(head.adapted(drawn(1, 2, 6, 5, 5)))
    score.sum().backward()
    assert all(p.grad is None for p in head.of_map.parameters())
    assert all(p.grad is not None for p in [*head.of_score.parameters(), *head.last.parameters()])


def test_half_of_the_masks_are_empty_and_each_draw_is_keyed():
    masks = noise_masks(400, (7, 9), threshold=0.2, rng=generator(0, "masks"))
    assert masks.shape == (400, 1, 7, 9)
    assert set(masks.unique().tolist()) == {0.0, 1.0}
    filled = masks.flatten(1).any(dim=1).float().mean().item()
    assert 0.4 < filled <= 0.56  # Perlin noise of few cells may stay below the threshold
    assert torch.equal(masks, noise_masks(400, (7, 9), threshold=0.2, rng=generator(0, "masks")))
    more = noise_masks(400, (7, 9), threshold=0.6, rng=generator(0, "masks"))
    assert more.sum() < 0.5 * masks.sum()


def test_features_stand_on_twice_the_first_grid(resnet, frozen_normal):
    detector = create("supersimplenet", backbone=resnet, **SMALL)
    maps = [frozen_normal(1, 2, 3, 4, 4), frozen_normal(2, 2, 5, 2, 2)]
    wide = [
        F.interpolate(torch.from_numpy(m), size=(8, 8), mode="bilinear", align_corners=True) for m in maps
    ]
    stacked = F.pad(torch.cat(wide, dim=1), (1, 1, 1, 1))
    expected = sum(stacked[:, :, y : y + 8, x : x + 8] for y, x in np.ndindex(3, 3)) / 9
    torch.testing.assert_close(detector.embed(maps), expected)


@pytest.mark.parametrize("sigma", [21.0, 21.2])
def test_a_border_is_mirrored_no_further_than_a_picture_goes(resnet, phantoms, sigma):
    """63 of 64 pixels, and 64, which torch refuses when all is trained."""
    images = phantoms[0][:2]
    detector = create("supersimplenet", backbone=resnet, **{**SMALL, "steps": 1, "sigma": sigma})
    if sigma == 21.0:
        assert np.isfinite(detector.fit(images, seed=0).score(images).maps).all()
        return
    with pytest.raises(InputError, match=r"(?s)`sigma` is too wide for pictures of 64 x 64.*21\.2.*up to 21"):
        detector.fit(images, seed=0)


def test_it_learns_saves_and_scores_an_image_alone_as_among_others(resnet, phantoms, tmp_path):
    normal, lesion = phantoms
    rows = []
    settings = {**SMALL, "standardise": True, "noise_std": 0.5, "adaptor_rate": 1e-3, "head_rate": 2e-3}
    detector = create("supersimplenet", backbone=resnet, **{**settings, "steps": 30})
    detector.fit(normal[:4], seed=0, progress=rows.append)
    assert np.mean([r["loss"] for r in rows[-5:]]) < 0.8 * np.mean([r["loss"] for r in rows[:5]])
    together, alone = detector.score(lesion), detector.score(lesion[2:3])
    np.testing.assert_allclose(alone.scores[0], together.scores[2], rtol=1e-5)
    assert together.maps.shape == lesion.shape
    detector.save(tmp_path)
    again = create("supersimplenet", backbone=resnet, **settings).restore(tmp_path).score(lesion)
    assert np.array_equal(again.scores, together.scores)
    assert np.array_equal(again.maps, together.maps)
    other = create("supersimplenet", backbone=resnet, **{**settings, "steps": 30}).fit(normal[:4], seed=1)
    assert not np.array_equal(other.score(lesion).scores, together.scores)
    channels = 128 + 256
    assert detector.trained_parameters() == {
        "adaptor": channels**2 + channels,
        "map": 16 * channels + 16 + 2 * 16 + 16,
        "score": 8 * 25 * (channels + 1) + 8 + 2 * 8,
        "last": 2 * 8 + 2 + 1,
    }

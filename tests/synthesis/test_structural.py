"""Patches: cut out exactly, pasted exactly, blended without a seam."""

import numpy as np
import pytest
from scipy import ndimage

from fusionmedclip.synthesis import SynthesisSettings, synthesize
from fusionmedclip.synthesis.anatomy import Anatomy
from fusionmedclip.synthesis.edits import Scene
from fusionmedclip.synthesis.masks import Box
from fusionmedclip.synthesis.structural import source_patch


def scene(support, settings=None):
    anatomies = [Anatomy(image, foreground=False) for image in support]
    return Scene(
        base=support[0],
        image=support[0].copy(),
        anatomy=anatomies[0],
        support=support,
        anatomies=anatomies,
        settings=settings or SynthesisSettings(),
        scale=1.0,
    )


def test_an_unturned_patch_is_cut_out_as_it_is(support):
    for seed in range(20):
        patch = source_patch(scene(support), Box(0, 0, 21, 31), rng=np.random.default_rng(seed))
        # Mirroring as numpy does it, then every position of every support image.
        padded = np.pad(support, ((0, 0), (21, 21), (31, 31)), mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (21, 31), axis=(1, 2))
        assert (windows[..., 10, 15] == patch[10, 15]).any()
        hits = np.argwhere(windows[..., 10, 15] == patch[10, 15])
        assert any(np.array_equal(windows[tuple(hit)], patch) for hit in hits)


def test_cutpaste_pastes_support_values():
    image = np.full((64, 64), 0.2, dtype=np.float32)
    support = np.full((2, 64, 64), 0.7, dtype=np.float32)
    result, mask = synthesize(image, support, task="cutpaste", rng=np.random.default_rng(0))
    assert mask.any()
    np.testing.assert_allclose(result[mask], 0.7, atol=1e-6)


def test_patches_come_from_every_support_image():
    image = np.zeros((64, 64), dtype=np.float32)
    support = np.stack([np.full((64, 64), value, dtype=np.float32) for value in (0.3, 0.6, 0.9)])
    seen = set()
    for seed in range(40):
        result, mask = synthesize(image, support, task="cutpaste", rng=np.random.default_rng(seed))
        seen |= set(np.unique(result[mask].round(3)))
    assert seen == {np.float32(0.3), np.float32(0.6), np.float32(0.9)}


@pytest.mark.parametrize("task", ["cutpaste", "poisson"])
def test_blending_leaves_no_seam(task, support):
    # A darker copy of the texture: pasted it has an edge, blended it has none.
    settings = SynthesisSettings.from_dict(
        {"foreground": False, "poisson": {"mixed_probability": 0}, "second_anomaly_probability": 0}
    )
    image = ndimage.gaussian_filter(np.random.default_rng(0).random((96, 96)), 4).astype(np.float32)
    image = 0.6 + 3 * (image - image.mean())
    jumps, inner = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        result, mask = synthesize(image, image[None] - np.float32(0.3), task=task, rng=rng, settings=settings)
        step = np.abs(np.diff(result, axis=1))
        edge = mask[:, 1:] != mask[:, :-1]
        jumps.append(step[edge].mean())
        inner.append(np.abs(np.diff(image, axis=1)).mean())
    if task == "cutpaste":
        assert np.mean(jumps) > 10 * np.mean(inner)
    else:
        assert np.mean(jumps) < 3 * np.mean(inner)

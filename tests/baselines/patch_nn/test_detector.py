"""The nearest patch against loops; rotations against numpy's."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_closing, binary_dilation

from fusionmedclip.baselines import create
from fusionmedclip.baselines.patch_nn.detector import rotated, tail_mean
from fusionmedclip.baselines.patch_nn.foreground import foreground
from fusionmedclip.errors import InputError


def test_distances_are_cosines_to_the_nearest_support_patch(resnet, frozen_normal):
    maps = [frozen_normal(1, 4, 6, 5, 5), frozen_normal(2, 4, 3, 5, 5)]
    detector = create(
        "patch_nn", backbone=resnet, layers=["layer2", "layer3"], rotations=1, tail=0.2, sigma=0
    )
    detector.features = lambda images: [m[: len(images)] for m in maps]
    result = detector.fit(np.zeros((2, 5, 5), np.float32)).score_features([m[2:] for m in maps], (5, 5))

    def vector(image: int, y: int, x: int) -> np.ndarray:
        parts = [m[image, :, y, x] / np.linalg.norm(m[image, :, y, x]) for m in maps]
        return np.concatenate(parts) / np.sqrt(len(parts))

    memory = [vector(i, y, x) for i in range(2) for y, x in np.ndindex(5, 5)]
    for i in range(2):
        expected = np.array(
            [min(1 - vector(2 + i, y, x) @ other for other in memory) for y, x in np.ndindex(5, 5)]
        )
        np.testing.assert_allclose(result.maps[i].ravel(), expected, rtol=1e-5)
        assert result.scores[i] == pytest.approx(np.sort(expected)[-5:].mean(), rel=1e-5)


def test_the_tail_is_rounded_down_and_never_empty():
    values = torch.tensor([[4.0, 1.0, 3.0, 2.0, 0.0]])
    assert tail_mean(values, 0.5).item() == 3.5
    assert tail_mean(values, 0.01).item() == 4.0


def test_quarter_turns_of_a_square_move_pixels_and_change_none(phantoms):
    image = phantoms[0][0]
    for found, quarter in zip(rotated(image[None], 4), range(4), strict=True):
        np.testing.assert_allclose(found, np.rot90(image, quarter), atol=1e-5)


@pytest.mark.parametrize("turned", [1, -1])
def test_the_mask_is_of_the_object_whichever_sign_its_component_has(turned):
    """A disc with a hole of four: in one long row of patches it grows to both sides, and the hole closes."""
    y, x = np.mgrid[:20, :20]
    disc = (y - 9.5) ** 2 + (x - 9.5) ** 2 < 49
    disc[9, 8:12] = False
    features = np.zeros((3, 20, 20), np.float32)
    features[0] = turned * 40 * disc
    found = foreground(features, threshold=10)
    expected = binary_closing(binary_dilation(disc.ravel(), np.ones(3)), np.ones(3)).reshape(20, 20)
    assert np.array_equal(found, expected)
    assert found[9, 8:12].all()
    assert found.sum() == disc.sum() + 4 + 2 * disc.any(axis=1).sum()  # the hole, and a patch at both sides


def test_a_small_object_is_lost_as_published():
    """Below 35 % of the middle the rule takes the other side, here of nothing above the threshold."""
    features = np.zeros((2, 20, 20), np.float32)
    features[0, 8:12, 8:12] = 40.0
    assert not foreground(features, threshold=10).any()


def test_patches_left_out_lie_at_no_distance_and_count_in_the_score(tiny_clip, phantoms):
    normal, lesion = phantoms
    kept = np.zeros((8, 8), bool)
    kept[2:5, 3:6] = True
    settings = {"layers": [3], "rotations": 1, "sigma": 0, "tail": 0.25}
    whole = create("patch_nn", backbone=tiny_clip, **settings).fit(normal[:4])
    masked = create("patch_nn", backbone=tiny_clip, **settings, masking="queries").fit(normal[:4])
    with patch("fusionmedclip.baselines.patch_nn.detector.foreground", lambda *_, **__: kept):
        found = masked.score_features(masked.features(lesion[:2]), (8, 8))
    expected = whole.score_features(whole.features(lesion[:2]), (8, 8)).maps * kept
    np.testing.assert_allclose(found.maps, expected, rtol=1e-5)
    top = np.sort(expected.reshape(2, -1))[:, -16:]  # a quarter of 64, though nine are kept
    np.testing.assert_allclose(found.scores, top.mean(axis=1), rtol=1e-5)


def test_a_support_set_without_foreground_is_refused(tiny_clip, phantoms):
    with pytest.raises(InputError, match=r"(?s)no patch of the support set.*mask_threshold 1000"):
        create("patch_nn", backbone=tiny_clip, layers=[3], masking="all", mask_threshold=1000.0).fit(
            phantoms[0][:2]
        )


def test_features_after_the_last_norm_are_those_of_the_tower(tiny_clip, resnet, phantoms):
    pixels = tiny_clip.pixels(phantoms[0][:2])
    with torch.inference_mode():
        found = tiny_clip.normed(tiny_clip.feature_maps(pixels, [3])[0]).flatten(2).transpose(1, 2)
        hidden = []
        hook = tiny_clip.visual.transformer.register_forward_hook(lambda *a: hidden.append(a[-1]))
        tiny_clip.visual(pixels)
        hook.remove()
        torch.testing.assert_close(found, tiny_clip.visual.ln_post(hidden[0])[:, 1:])
    with pytest.raises(InputError, match=r"(?s)no last norm.*final_norm: false"):
        create("patch_nn", backbone=resnet, layers=["layer3"], final_norm=True).fit(phantoms[0][:2])

"""Windows of patches against loops, and their embeddings against the tower's own of the whole image."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from fusionmedclip.baselines.winclip.windows import harmonic_patches, window_embeddings, window_indices
from fusionmedclip.models.backbones.store import build_backbone
from tests.models.towers import timm_settings


def corners(height: int, width: int, side: int) -> list[tuple[int, int]]:
    return [(y, x) for y in range(height - side + 1) for x in range(width - side + 1)]


def test_each_window_holds_its_patches_row_by_row():
    expected = [[(y + i) * 5 + x + j for i in range(2) for j in range(2)] for y, x in corners(4, 5, 2)]
    assert window_indices(4, 5, 2).tolist() == expected


@pytest.mark.parametrize(("grid", "side"), [((4, 5), 2), ((5, 3), 3), ((3, 3), 3)])
def test_a_patch_is_the_harmonic_mean_of_the_windows_that_hold_it(frozen_normal, grid, side):
    places = corners(*grid, side)
    windows = np.abs(frozen_normal(1, 2, len(places))) + 0.1
    expected = np.zeros((2, *grid))
    for image, y, x in np.ndindex(2, *grid):
        over = [
            windows[image, v] for v, (a, b) in enumerate(places) if a <= y < a + side and b <= x < b + side
        ]
        expected[image, y, x] = len(over) / sum(1 / value for value in over)
    found = harmonic_patches(torch.from_numpy(windows), grid, side)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


@torch.inference_mode()
def test_a_window_over_the_whole_grid_is_the_image(tiny_clip, phantoms):
    pixels = tiny_clip.pixels(phantoms[1][:2])
    whole = window_embeddings(tiny_clip, pixels, 8)
    assert whole.shape[1] == 1
    torch.testing.assert_close(whole[:, 0], tiny_clip.clip_model.encode_image(pixels), atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_a_window_sees_its_own_patches_alone(tiny_clip, phantoms):
    pixels = tiny_clip.pixels(phantoms[1][:1])
    changed = pixels.clone()
    changed[:, :, 8:16, 8:16] += 1  # the patch in row 1, column 1
    before, after = window_embeddings(tiny_clip, pixels, 2)[0], window_embeddings(tiny_clip, changed, 2)[0]
    moved = [not torch.allclose(b, a, atol=1e-5) for b, a in zip(before, after, strict=True)]
    assert moved == [y <= 1 < y + 2 and x <= 1 < x + 2 for y, x in corners(8, 8, 2)]


@torch.inference_mode()
def test_of_a_tower_that_cannot_be_masked_a_window_is_the_mean_of_its_patches(phantoms):
    resnet = build_backbone(timm_settings("resnet18"))
    pixels = resnet.pixels(phantoms[1][:2])
    patches = resnet.patch_embeddings(pixels)
    height, width = patches.shape[2:]
    expected = torch.stack(
        [patches[:, :, y : y + 2, x : x + 2].mean(dim=(2, 3)) for y, x in corners(height, width, 2)], dim=1
    )
    torch.testing.assert_close(window_embeddings(resnet, pixels, 2), expected)
    assert F.cosine_similarity(expected[0], expected[1]).max() < 1  # two images, not one twice

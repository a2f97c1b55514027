"""Patch features against loops."""

import numpy as np
import torch

from fusionmedclip.baselines.patch_features import embed_patches, patch_vectors


def naive_bins(values: np.ndarray, count: int) -> np.ndarray:
    """Adaptive average pooling: bin i averages values from floor(i n / m) to ceil((i + 1) n / m)."""
    n = len(values)
    return np.array([values[i * n // count : -(-(i + 1) * n // count)].mean() for i in range(count)])


def test_one_layer_adaptive_against_loops(frozen_normal):
    maps = frozen_normal(0, 2, 5, 4, 3)
    got = embed_patches([torch.from_numpy(maps)], pretrain_dim=7, target_dim=4).numpy()
    padded = np.pad(maps, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for b in range(2):
        for y in range(4):
            for x in range(3):
                around = padded[b, :, y : y + 3, x : x + 3].reshape(-1)
                expected = naive_bins(naive_bins(around, 7), 4)
                np.testing.assert_allclose(got[b, :, y, x], expected, rtol=1e-5, atol=1e-6)


def test_second_layer_is_interpolated_to_the_first_ones_grid():
    first = torch.zeros(1, 2, 4, 4)
    second = torch.arange(4.0).view(1, 1, 2, 2)
    got = embed_patches([first, second], embedding="average", patch_size=1)
    assert got.shape == (1, 3, 4, 4)
    # Positions of the fine grid lie at -1/4, 1/4, 3/4, 5/4 of the coarse one; outside, the edge repeats.
    share = np.array([0, 0.25, 0.75, 1])
    np.testing.assert_allclose(got[0, 2], 2 * share[:, None] + share[None, :], atol=1e-6)


def test_average_counts_the_zero_border():
    got = embed_patches([torch.ones(1, 1, 3, 3)], embedding="average")
    np.testing.assert_allclose(got[0, 0], np.array([[4, 6, 4], [6, 9, 6], [4, 6, 4]]) / 9, atol=1e-6)


def test_patch_vectors_are_row_by_row():
    maps = torch.arange(2 * 3 * 2 * 2.0).view(2, 3, 2, 2)
    rows = patch_vectors(maps)
    assert rows.shape == (8, 3)
    assert torch.equal(rows[1], maps[0, :, 0, 1])
    assert torch.equal(rows[6], maps[1, :, 1, 0])

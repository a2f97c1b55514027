"""The nearest patch against loops; rotations against numpy's."""

import numpy as np
import pytest
import torch

from fusionmedclip.baselines import create
from fusionmedclip.baselines.patch_nn.detector import rotated, tail_mean


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

"""Batches are always full, and wins are counted within a model: by hand."""

import numpy as np

from fusionmedclip.lab.compare import _wins
from fusionmedclip.lab.left_out import LeftOut
from fusionmedclip.lab.scoring import score_slices
from fusionmedclip.models.detector import Scores


class Watched:
    """Scores the mean, and keeps the shapes that it was given."""

    colour = False

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def score(self, images: np.ndarray) -> Scores:
        self.shapes.append(images.shape)
        return Scores(images.mean(axis=(1, 2)).astype(float), None)


def test_every_batch_has_one_shape_whatever_is_scored() -> None:
    for count in (1, 3, 4, 9):
        watched = Watched()
        images = np.arange(count, dtype=np.float32)[:, None, None] * np.ones((1, 5, 5), np.float32)
        found = score_slices(watched, images, batch_size=4)  # type: ignore[arg-type]
        np.testing.assert_array_equal(found.scores, np.arange(count))
        assert watched.shapes == [(4, 5, 5)] * -(-count // 4)


def test_an_abnormal_input_meets_a_normal_one_in_the_models_own_scores() -> None:
    pictures = [np.array([value]) for value in (1.0, 10.0, 3.0, 30.0)]  # parts 0, 1, 0, 1
    left_out = LeftOut(2, "max", pictures, None, np.concatenate(pictures), [])
    found = _wins(left_out, [np.array([2.0, 4.0]), np.array([10.0, 5.0])])
    # part 0: 1 < 2, 4; 3 < 4 alone. Part 1: 10 ties with 10 and beats 5; 30 beats both.
    np.testing.assert_array_equal(found.of_normal[0], [1, 0.25, 0.5, 0])
    np.testing.assert_array_equal(found.of_anomalous[0], [(1 + 0.5 + 0 + 0) / 4, (1 + 0 + 1 + 0) / 4])
    assert found.aurocs[0] == np.mean([1, 0.25, 0.5, 0])

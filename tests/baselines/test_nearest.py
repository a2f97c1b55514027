"""Nearest neighbours against scikit-learn, and the coreset against loops."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from fusionmedclip.baselines.nearest import Nearest
from fusionmedclip.baselines.patchcore.coreset import greedy_coreset


@pytest.mark.parametrize(("memory_block", "query_block"), [(8192, 1024), (7, 3), (100, 1)])
def test_against_scikit_learn(frozen_normal, memory_block, query_block):
    memory, queries = frozen_normal(0, 50, 6), frozen_normal(1, 20, 6)
    reference = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(memory.astype(float))
    distance, row = reference.kneighbors(queries.astype(float))
    nearest = Nearest(torch.from_numpy(memory), memory_block=memory_block, query_block=query_block)
    got, rows = nearest.squared_distances(torch.from_numpy(queries))
    np.testing.assert_allclose(got, distance[:, 0] ** 2, rtol=1e-5)
    assert rows.tolist() == row[:, 0].tolist()


def test_small_distances_between_long_vectors_keep_their_digits(frozen_normal):
    memory = frozen_normal(0, 30, 64) + 100
    steps = 10.0 ** -np.arange(1, 4, dtype=np.float32)[:, None]
    queries = memory[:3] + steps * frozen_normal(1, 3, 64)
    got, rows = Nearest(torch.from_numpy(memory)).squared_distances(torch.from_numpy(queries))
    exact = ((queries.astype(float) - memory[:3].astype(float)) ** 2).sum(axis=1)
    assert rows.tolist() == [0, 1, 2]
    np.testing.assert_allclose(got, exact, rtol=1e-4)


def test_of_equal_neighbours_the_first_is_taken():
    memory = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    _, rows = Nearest(memory, memory_block=2).squared_distances(torch.tensor([[0.0, 0.0]]))
    assert rows.tolist() == [0]


def test_coreset_against_loops(frozen_normal):
    vectors = frozen_normal(3, 25, 4)
    chosen = greedy_coreset(torch.from_numpy(vectors), 6, starting_points=25).tolist()
    # All 25 starting points: the first choice is the vector farthest, on average, from all.
    gaps = [np.mean([np.linalg.norm(v - w) for w in vectors]) for v in vectors]
    expected = []
    for _ in range(6):
        best = int(np.argmax(gaps))
        expected.append(best)
        gaps = [min(g, np.linalg.norm(v - vectors[best])) for g, v in zip(gaps, vectors, strict=True)]
    assert chosen == expected


def test_coreset_covers_clusters_and_depends_on_the_seed_alone(frozen_normal):
    centres = 10 * np.eye(5, 200, dtype=np.float32)
    vectors = torch.from_numpy(np.repeat(centres, 20, axis=0) + 0.01 * frozen_normal(0, 100, 200))
    chosen = greedy_coreset(vectors, 6, projection_dim=32, seed=1)
    # The first choice is a mean's, the next five must reach each cluster that was not yet chosen.
    assert set((chosen // 20).tolist()) == {0, 1, 2, 3, 4}
    assert torch.equal(chosen, greedy_coreset(vectors, 6, projection_dim=32, seed=1))

"""Batches are all of one shape, and every image is in one of them once."""

import numpy as np
import pytest

from fusionmedclip.models.batches import even_batches
from fusionmedclip.pipeline.runs import CHUNK, _chunks


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 16, 23])
@pytest.mark.parametrize("size", [1, 8, 32])
def test_all_are_of_one_shape_and_none_is_lost(count: int, size: int) -> None:
    images = np.arange(count * 6).reshape(count, 2, 3)
    batches = list(even_batches(images, size))
    kept = [batch[:n] for batch, n in batches]
    np.testing.assert_array_equal(np.concatenate(kept) if kept else images, images)
    assert len({batch.shape for batch, _ in batches}) <= 1
    for batch, n in batches:
        assert len(batch) == min(size, count)
        assert (batch[n:] == images[-1]).all()


@pytest.mark.parametrize("count", [0, 5, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 5 * CHUNK + 7])
def test_turns_of_the_workflow_are_never_short(count: int) -> None:
    rows = np.arange(count) * 3
    turns = list(_chunks(rows))
    np.testing.assert_array_equal(np.concatenate(turns), rows)
    assert all(len(turn) == CHUNK for turn in turns[:-1])
    assert len(turns[-1]) < 2 * CHUNK
    assert len(turns) == 1 or len(turns[-1]) >= CHUNK

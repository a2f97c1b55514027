"""The input pipeline gives the same images whatever its threads and its memory."""

import threading
import time

import numpy as np
import pandas as pd
import pytest

from fusionmedclip.training.pretrain.pictures import Pictures, Prefetcher
from fusionmedclip.training.pretrain.settings import AugmentSettings
from tests.patience import until


def pictures(captions: pd.DataFrame, cache: int = 10**6, seed: int = 0) -> Pictures:
    files = captions["file"].tolist()
    return Pictures(files, size=32, settings=AugmentSettings(), seed=seed, cache_bytes=cache)


def test_views_depend_on_seed_epoch_and_picture_alone(captions: pd.DataFrame):
    one, other = pictures(captions), pictures(captions, cache=0)
    later = other.view(3, 5)
    one.view(0, 1)
    assert np.array_equal(one.view(3, 5), later)
    assert not np.array_equal(one.view(4, 5), later)
    assert not np.array_equal(one.view(3, 6), later)
    assert not np.array_equal(pictures(captions, seed=1).view(3, 5), later)


def test_threads_and_memory_change_nothing(captions: pd.DataFrame):
    plan = [[(epoch, i) for i in range(start, start + 5)] for epoch in (0, 1) for start in (0, 5, 10)]
    expected = [np.stack([pictures(captions).view(*item) for item in batch]) for batch in plan]
    for workers, ahead, cache in ((1, 1, 0), (3, 2, 4000), (5, 9, 10**6)):
        store = pictures(captions, cache)
        found = list(Prefetcher(workers=workers, ahead=ahead).batches(store.view, plan))
        assert len(found) == len(expected)
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_cache_stays_within_its_limit(captions: pd.DataFrame):
    store = pictures(captions, cache=5000)  # each picture is 40 x 48 = 1920 bytes
    for index in range(6):
        store.picture(index)
    assert len(store._kept) == 2
    assert sum(p.nbytes for p in store._kept.values()) <= 5000


def test_work_is_done_ahead_but_not_further_than_asked():
    made, gate = [], threading.Event()

    def make(number: int) -> np.ndarray:
        made.append(number)
        assert number == 0 or gate.wait(300)
        return np.full((2, 2), number)

    batches = Prefetcher(workers=5, ahead=2).batches(make, ([(i,)] for i in range(100)))
    first = next(batches)
    assert first.shape == (1, 2, 2)
    until(lambda: len(made) >= 3)
    time.sleep(0.3)  # three workers have nothing to do, if no more was asked of them
    asked = sorted(made)
    gate.set()
    batches.close()
    assert asked == [0, 1, 2]  # the one in use and two ahead


def test_an_error_reaches_the_consumer():
    def make(number: int) -> np.ndarray:
        raise RuntimeError(f"picture {number}")

    with pytest.raises(RuntimeError, match="picture 7"):
        list(Prefetcher(workers=1, ahead=1).batches(make, [[(7,)]]))

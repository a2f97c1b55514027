"""One call ahead and no further, in order, by one thread."""

import threading
from functools import partial

import numpy as np
import pytest
import torch

from fusionmedclip.steps.ahead import ahead, drawn_ahead


def test_the_next_is_computed_while_this_one_is_used() -> None:
    begun = [threading.Event() for _ in range(4)]

    def work(number: int) -> int:
        begun[number].set()
        return number

    results = []
    for number in ahead(partial(work, n) for n in range(4)):
        results.append(number)
        if number < 3:
            assert begun[number + 1].wait(10)
        assert not any(event.is_set() for event in begun[number + 2 :])
    assert results == [0, 1, 2, 3]


def test_an_error_comes_in_its_turn() -> None:
    def fail() -> int:
        raise ValueError("second")

    found = ahead([lambda: 1, fail, lambda: 3])
    assert next(found) == 1
    with pytest.raises(ValueError, match="second"):
        next(found)


def test_nothing_gives_nothing() -> None:
    assert list(ahead([])) == []


def test_batches_come_as_tensors_in_their_order() -> None:
    calls = [lambda n=n: (np.full(2, n, np.float32), torch.tensor(n)) for n in range(3)]
    found = [(pair.tolist(), int(one)) for pair, one in drawn_ahead(calls, torch.device("cpu"))]
    assert found == [([0, 0], 0), ([1, 1], 1), ([2, 2], 2)]

"""Counter-based randomness."""

import numpy as np
import pytest

from fusionmedclip.randomness import generator, key, torch_generator


def test_a_draw_is_a_function_of_its_purpose():
    assert generator(1, "a", 2).random() == generator(1, "a", 2).random()
    draws = {
        generator(*p).random()
        for p in [(1, "a", 2), (1, "a", 3), (2, "a", 2), (1, "b", 2), (1, "a"), ("1", "a", 2)]
    }
    assert len(draws) == 6


def test_numpy_integers_are_integers():
    assert key(np.int64(3), "x") == key(3, "x")
    with pytest.raises(TypeError):
        key(1.5)


def test_keys_stay_the_same_from_version_to_version():
    """A changed key would change every published support set: blake2b of the tuple's repr, by hand."""
    import hashlib

    expected = hashlib.blake2b(b"(0, 'support', 'busi')", digest_size=16).digest()
    assert key(0, "support", "busi") == int.from_bytes(expected, "little")


def test_torch_draws_are_keyed_too():
    import torch

    first, second = (torch.rand(3, generator=torch_generator(0, "context")) for _ in range(2))
    assert torch.equal(first, second)

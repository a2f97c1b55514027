import numpy as np
import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.float16_bins import BINS, bins_of_bits, counts_of_bits, float16_bits

EVERY = np.arange(BINS, dtype=np.uint16)
VALUES = EVERY.view(np.float16).astype(np.float64)
NUMBERS = EVERY[~np.isnan(VALUES)]


def test_bins_ascend_exactly_as_the_values_do():
    values = NUMBERS.view(np.float16).astype(np.float64)
    order = np.argsort(values, kind="stable")
    steps_of_value, steps_of_bin = np.diff(values[order]), np.diff(bins_of_bits(NUMBERS)[order])
    assert ((steps_of_bin > 0) == (steps_of_value > 0)).all()
    assert (steps_of_bin[steps_of_value == 0] == 0).all()


def test_minus_zero_and_zero_share_a_bin():
    minus, plus = bins_of_bits(np.array([0x8000, 0x0000], np.uint16))
    assert minus == plus


@pytest.mark.parametrize("size", [20_000, 1_500_000])
def test_counts_agree_with_bins(size):
    bits = np.random.default_rng(0).choice(NUMBERS, size).astype(np.uint16)
    bits = np.concatenate([bits, np.array([0x8000, 0x8000, 0], np.uint16)])
    assert (counts_of_bits(bits) == np.bincount(bins_of_bits(bits), minlength=BINS)).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rounding_is_that_of_numpy(dtype):
    maps = np.random.default_rng(1).normal(size=(2, 5, 7)).astype(dtype)
    assert (float16_bits(maps) == maps.astype(np.float16).view(np.uint16).ravel()).all()


def test_memory_layout_does_not_matter():
    maps = np.random.default_rng(2).normal(size=(6, 5, 4)).astype(np.float32)
    flipped = np.asfortranarray(maps)[::2]
    assert (float16_bits(flipped) == float16_bits(maps[::2].copy())).all()


def test_large_finite_values_keep_their_place_as_infinities():
    bins = bins_of_bits(float16_bits(np.array([[[-1e30, -65504.0, 65504.0, 65519.9, 65520.0, 1e30]]])))
    assert bins[0] < bins[1] < bins[2] == bins[3] < bins[4] == bins[5]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(dtype, bad):
    maps = np.zeros((1, 2, 2), dtype)
    maps[0, 1, 0] = bad
    with pytest.raises(InputError, match="1 pixels NaN or infinite"):
        float16_bits(maps)

"""Luma by hand, and of pictures without colour."""

import numpy as np

from fusionmedclip.luma import as_grey


def test_luma_by_hand():
    colours = np.random.default_rng(0).random((2, 3, 4, 3), dtype=np.float32)
    grey = as_grey(colours)
    for n, row, column in np.ndindex(grey.shape):
        red, green, blue = (float(v) for v in colours[n, row, column])
        assert abs(grey[n, row, column] - (0.299 * red + 0.587 * green + 0.114 * blue)) < 1e-6


def test_a_picture_of_three_equal_channels_is_that_channel():
    grey = np.random.default_rng(0).random((2, 30, 40), dtype=np.float32)
    np.testing.assert_array_equal(as_grey(np.repeat(grey[..., None], 3, axis=-1)), grey)
    assert as_grey(grey) is grey

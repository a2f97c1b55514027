"""Foreground, depth and random places, against scipy."""

import numpy as np
import pytest
from scipy import ndimage

from fusionmedclip.synthesis.anatomy import Anatomy


def organ(height, width):
    rows, columns = np.mgrid[:height, :width]
    return np.hypot((rows - height / 2) / (0.42 * height), (columns - width / 2) / (0.38 * width)) < 1


@pytest.mark.parametrize("size", [(96, 96), (224, 224), (64, 300), (700, 500)])
def test_foreground_finds_the_organ(phantom, size):
    found = Anatomy(phantom(*size)).foreground
    truth = organ(*size)
    assert found.dtype == bool
    assert found.shape == size
    assert (found & truth).sum() / (found | truth).sum() > 0.85


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_constant_image_is_all_anatomy(value):
    anatomy = Anatomy(np.full((40, 50), value, dtype=np.float32))
    assert anatomy.everywhere
    assert anatomy.foreground.all()


def test_a_speck_is_no_anatomy():
    image = np.zeros((64, 64), dtype=np.float32)
    image[30:34, 30:34] = 1
    assert Anatomy(image).everywhere


def test_foreground_off_takes_the_whole_image(phantom):
    assert Anatomy(phantom(64, 64), foreground=False).everywhere


def test_depth_and_centre_agree_with_scipy(phantom):
    anatomy = Anatomy(phantom(192, 160))
    truth = ndimage.distance_transform_edt(anatomy.foreground)
    cell = 192 / 96
    assert np.abs(anatomy.depth - truth).max() <= 1.5 * cell
    assert not anatomy.depth[~anatomy.foreground].any()
    np.testing.assert_allclose(anatomy.centre, ndimage.center_of_mass(anatomy.foreground), atol=cell)


def test_random_pixels_keep_to_the_anatomy_the_depth_and_the_brightness(phantom):
    image = phantom(96, 96)  # one cell a pixel
    anatomy = Anatomy(image)
    rng = np.random.default_rng(0)
    deepest = anatomy.depth.max()
    smooth = ndimage.gaussian_filter(image, 1)
    middle = np.median(smooth[anatomy.depth > 0.3 * deepest])
    dark = 0
    for _ in range(300):
        assert anatomy.foreground[anatomy.random_pixel(rng)]
        pixel = anatomy.random_pixel(rng, depth=0.3, brightness=(0.0, 0.2))
        assert anatomy.depth[pixel] >= 0.3 * deepest - 1
        dark += smooth[pixel] < middle
    assert dark > 285


def test_random_pixels_are_spread_evenly():
    anatomy = Anatomy(np.full((96, 96), 0.5, dtype=np.float32))
    rng = np.random.default_rng(0)
    pixels = np.array([anatomy.random_pixel(rng) for _ in range(4000)])
    counts, *_ = np.histogram2d(*pixels.T, bins=4, range=[[0, 96], [0, 96]])
    # 16 bins of 250 expected each; the standard deviation of a bin is 15.3.
    assert np.abs(counts - 250).max() < 5 * 15.3

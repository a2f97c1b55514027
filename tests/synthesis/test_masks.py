"""Perlin blobs against a textbook implementation; shapes against their definition."""

import numpy as np
import pytest

from fusionmedclip.synthesis import masks
from fusionmedclip.synthesis.anatomy import Anatomy
from fusionmedclip.synthesis.masks import Box
from fusionmedclip.synthesis.ranges import PerlinSettings


def naive_perlin(angles, count):
    """Gradient noise of one cell, pixel by pixel (Perlin 2002, quintic fade), times sqrt(2)."""
    noise = np.empty((count, count))
    for row in range(count):
        for column in range(count):
            y, x = (row + 0.5) / count, (column + 0.5) / count
            dots = [
                np.cos(angle) * (x - j) + np.sin(angle) * (y - i)
                for angle, (i, j) in zip(angles, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True)
            ]
            fy, fx = (6 * t**5 - 15 * t**4 + 10 * t**3 for t in (y, x))
            top, bottom = dots[0] + fx * (dots[1] - dots[0]), dots[2] + fx * (dots[3] - dots[2])
            noise[row, column] = np.sqrt(2) * (top + fy * (bottom - top))
    return noise


def test_noise_is_perlin_noise():
    angles = np.array([0.3, 2.0, 4.1, 5.5])
    coefficients = masks._perlin_coefficients(angles[None])[0]
    noise = masks._perlin_noise(coefficients, side=20)
    np.testing.assert_allclose(noise, naive_perlin(angles, 20), atol=1e-5)


def test_rotation_by_a_quarter_turn_is_exact():
    noise = np.arange(25, dtype=np.float32).reshape(5, 5)
    rotated = masks._rotated(noise, 90.0, size=(5, 5))
    assert any(np.allclose(rotated, np.rot90(noise, turns), atol=1e-4) for turns in (1, 3))


def test_a_rotation_turns_the_stretched_noise():
    """Each pixel, turned back about the box's centre in pixels, names a place of the square noise."""
    noise = np.random.default_rng(0).random((9, 9), dtype=np.float32)
    height, width, angle = 12, 30, np.deg2rad(25)
    found = masks._rotated(noise, 25.0, size=(height, width))
    for row in range(height):
        for column in range(width):
            y, x = row - (height - 1) / 2, column - (width - 1) / 2
            back_x = (np.cos(angle) * x + np.sin(angle) * y) * 9 / width + 4
            back_y = (np.cos(angle) * y - np.sin(angle) * x) * 9 / height + 4
            assert found[row, column] == pytest.approx(bilinear(noise, back_y, back_x), abs=0.05)


def bilinear(noise, y, x):
    """Value between pixels, zero outside."""
    total, (top, left) = 0.0, (int(np.floor(y)), int(np.floor(x)))
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        if 0 <= top + i < len(noise) and 0 <= left + j < len(noise):
            total += abs(1 - i - (y - top)) * abs(1 - j - (x - left)) * noise[top + i, left + j]
    return total


@pytest.mark.parametrize(("low", "high", "fill"), [(22, 134, 0.3639), (67, 179, 0.3785)])
def test_mean_fill_is_the_parents(low, high, fill):
    """`fill`: mean of 2,500 of MediCLIP's own masks, sides drawn as for its CutPaste and Gauss tasks."""
    settings, rng, fills = PerlinSettings(), np.random.default_rng(0), []
    for _ in range(1500):
        box = Box(0, 0, *(int(side) for side in rng.integers(low, high, size=2)))
        fills.append(masks.perlin_mask(box, rng=rng, settings=settings).mean())
    assert min(fills) > settings.min_fill - 0.06  # judged on a coarse grid
    assert np.mean(fills) == pytest.approx(fill, abs=0.01)


def test_an_impossible_fill_ends_with_the_fullest_draw():
    settings = PerlinSettings(threshold=0.9, min_fill=0.9, redraws=5)
    mask = masks.perlin_mask(Box(0, 0, 30, 30), rng=np.random.default_rng(0), settings=settings)
    assert mask.shape == (30, 30)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("size", [(32, 32), (40, 200)])
def test_boxes_fit_into_the_image_and_hold_their_pixel(size, whole):
    anatomy = Anatomy(np.full(size, 0.5, dtype=np.float32))
    rng = np.random.default_rng(1)
    for _ in range(300):
        box, (row, column) = masks.place_box((0.02, 1.0), anatomy=anatomy, rng=rng, whole=whole)
        assert 0 <= box.top < box.bottom <= size[0]
        assert 0 <= box.left < box.right <= size[1]
        assert min(box.height, box.width) >= masks.SMALLEST_SIDE
        assert box.top <= row < box.bottom
        assert box.left <= column < box.right


@pytest.mark.parametrize("whole", [False, True])
def test_whole_boxes_are_uniform_over_the_places_where_they_fit(whole):
    anatomy = Anatomy(np.full((40, 40), 0.5, dtype=np.float32))
    rng = np.random.default_rng(0)
    boxes = [masks.place_box((0.5, 0.5), anatomy=anatomy, rng=rng, whole=whole)[0] for _ in range(2100)]
    thirds = np.histogram([box.top for box in boxes], bins=3, range=(0, 21))[0]  # 40 - 20 + 1 places
    # Uniform: 700 in each third, within five deviations. Moved into the image, a quarter lie at each edge.
    assert bool(np.abs(thirds - 700).max() < 110) is whole

"""Perlin blobs against a textbook implementation; shapes against their definition."""

import numpy as np
import pytest

from fusionmedclip.synthesis import masks
from fusionmedclip.synthesis.anatomy import Anatomy
from fusionmedclip.synthesis.masks import Box
from fusionmedclip.synthesis.ranges import PerlinSettings, ShapeSettings


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


def test_mean_fill_is_near_the_parents():
    box, settings = Box(0, 0, 80, 60), PerlinSettings()
    fills = [
        masks.perlin_mask(box, rng=np.random.default_rng(seed), settings=settings).mean()
        for seed in range(500)
    ]
    assert min(fills) > settings.min_fill - 0.03  # judged on a coarse grid
    assert 0.31 < np.mean(fills) < 0.43  # the parent's mean is 0.36


def test_an_impossible_fill_ends_with_the_fullest_draw():
    settings = PerlinSettings(threshold=0.9, min_fill=0.9, redraws=5)
    mask = masks.perlin_mask(Box(0, 0, 30, 30), rng=np.random.default_rng(0), settings=settings)
    assert mask.shape == (30, 30)


@pytest.mark.parametrize("size", [(32, 32), (40, 200)])
def test_boxes_fit_into_the_image_and_hold_their_pixel(size):
    anatomy = Anatomy(np.full(size, 0.5, dtype=np.float32))
    rng = np.random.default_rng(1)
    for _ in range(300):
        box, (row, column) = masks.place_box((0.02, 1.0), anatomy=anatomy, rng=rng)
        assert 0 <= box.top < box.bottom <= size[0]
        assert 0 <= box.left < box.right <= size[1]
        assert min(box.height, box.width) >= masks.SMALLEST_SIDE
        assert box.top <= row < box.bottom
        assert box.left <= column < box.right


@pytest.mark.parametrize("ellipse", [True, False])
def test_a_shape_without_shear_is_the_textbook_shape(ellipse):
    shape = masks.shape_from(
        (10.0, 20.0), centre=(50.0, 60.0), shear=0.0, degrees=30.0, ellipse=ellipse, size=(100, 120)
    )
    down, across = shape.coordinates()
    angle = np.deg2rad(30)
    for row in range(shape.box.top, shape.box.bottom, 3):
        for column in range(shape.box.left, shape.box.right, 3):
            dy, dx = row - 50, column - 60
            # Undo a rotation that takes the row axis (1, 0) to (cos, sin).
            y, x = (
                (np.cos(angle) * dy + np.sin(angle) * dx) / 10,
                (np.cos(angle) * dx - np.sin(angle) * dy) / 20,
            )
            at = row - shape.box.top, column - shape.box.left
            np.testing.assert_allclose((down[at], across[at]), (y, x), atol=1e-4)


@pytest.mark.parametrize("ellipse", [True, False])
def test_the_box_is_the_smallest_that_holds_the_shape(ellipse):
    shape = masks.shape_from(
        (10.0, 20.0), centre=(50.0, 60.0), shear=0.3, degrees=25.0, ellipse=ellipse, size=(100, 120)
    )
    whole = shape._replace(box=Box(0, 0, 100, 120))
    down, across = whole.coordinates()
    inside = np.hypot(down, across) <= 1 if ellipse else np.maximum(abs(down), abs(across)) <= 1
    rows, columns = np.nonzero(inside)
    box = shape.box
    assert box.top <= rows.min() <= box.top + 2
    assert box.bottom - 3 <= rows.max() < box.bottom
    assert box.left <= columns.min() <= box.left + 2
    assert box.right - 3 <= columns.max() < box.right


def test_random_shapes_keep_to_the_sides_asked_for(phantom):
    anatomy = Anatomy(phantom(200, 200))
    settings = ShapeSettings(shear_std=0.0, rotation=(0.0, 0.0))
    rng = np.random.default_rng(0)
    kinds = set()
    for _ in range(200):
        shape = masks.random_shape(anatomy=anatomy, rng=rng, settings=settings)
        sides = 2 / np.diag(shape.inverse)
        assert (sides >= 0.2 * 200 - 1e-6).all()
        assert (sides <= 0.6 * 200 + 1e-6).all()
        kinds.add(shape.ellipse)
    assert kinds == {True, False}

"""Ellipses and rectangles against their definition."""

import numpy as np
import pytest

from fusionmedclip.synthesis import shapes
from fusionmedclip.synthesis.anatomy import Anatomy
from fusionmedclip.synthesis.masks import Box
from fusionmedclip.synthesis.ranges import ShapeSettings


@pytest.mark.parametrize("ellipse", [True, False])
def test_a_shape_without_shear_is_the_textbook_shape(ellipse):
    shape = shapes.shape_from(
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
    shape = shapes.shape_from(
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
        shape = shapes.random_shape(anatomy=anatomy, rng=rng, settings=settings)
        sides = 2 / np.diag(shape.inverse)
        assert (sides >= 0.2 * 200 - 1e-6).all()
        assert (sides <= 0.6 * 200 + 1e-6).all()
        kinds.add(shape.ellipse)
    assert kinds == {True, False}


def test_whole_shapes_lie_in_the_image_and_keep_to_the_largest_side():
    anatomy = Anatomy(np.full((120, 200), 0.5, dtype=np.float32))
    settings = ShapeSettings(shear_std=0.5, side=(0.5, 0.6))
    rng = np.random.default_rng(0)
    for _ in range(300):
        shape = shapes.random_shape(anatomy=anatomy, rng=rng, settings=settings, whole=True)
        corners = np.linalg.inv(shape.inverse) @ np.array([[1, 1, -1, -1], [1, -1, 1, -1]])
        low, high = (corners.T + shape.centre).min(axis=0), (corners.T + shape.centre).max(axis=0)
        assert (low >= -1e-6).all()
        assert (high <= np.array([119, 199]) + 1e-6).all()
        assert (high - low <= 0.6 * np.array([120, 200]) + 1e-6).all()

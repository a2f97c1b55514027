"""Warps against their formulas, pixel by pixel; the guided field never folds and keeps inside."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionmedclip.synthesis import SynthesisSettings, deformation
from fusionmedclip.synthesis.anatomy import Anatomy
from fusionmedclip.synthesis.edits import Scene
from fusionmedclip.synthesis.shapes import shape_from


def scene(image, **values):
    given_settings = SynthesisSettings.from_dict(values)
    anatomy = Anatomy(image, foreground=given_settings.foreground)
    scale = float(np.sqrt(image.size)) / 224
    return Scene(image, image.copy(), anatomy, image[None], [anatomy], given_settings, scale)


def inside(shape, point):
    unit = shape.inverse @ np.subtract(point, shape.centre)
    return np.hypot(*unit) <= 1 if shape.ellipse else np.abs(unit).max() <= 1


def march(shape, anchor, pixel):
    """Distance from the anchor to the shape's edge along the ray through the pixel, in small steps."""
    direction = np.subtract(pixel, anchor) / np.linalg.norm(np.subtract(pixel, anchor))
    low, high = 0.0, 500.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(shape, anchor + middle * direction) else (low, middle)
    return low


@pytest.mark.parametrize("ellipse", [True, False])
@pytest.mark.parametrize("offset", [(0.0, 0.0), (4.0, -9.0)])
def test_share_of_the_ray(ellipse, offset):
    shape = shape_from(
        (14.0, 22.0), centre=(40.0, 50.0), shear=0.3, degrees=20.0, ellipse=ellipse, size=(90, 110)
    )
    anchor = (40.0 + offset[0], 50.0 + offset[1])
    share = deformation._ray_share(shape, anchor)
    for row in range(shape.box.top, shape.box.bottom, 4):
        for column in range(shape.box.left, shape.box.right, 4):
            distance = np.hypot(row - anchor[0], column - anchor[1])
            if distance > 1:
                expected = distance / march(shape, anchor, (row, column))
                found = share[row - shape.box.top, column - shape.box.left]
                assert found == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("task", ["source", "sink"])
@pytest.mark.parametrize("axis", [0, 1])
def test_radial_warps_sample_where_the_formula_says(task, axis, monkeypatch):
    # On a ramp the value that is found says which row (or column) it was sampled from.
    image = np.indices((120, 140))[axis].astype(np.float32) / 256
    shape = shape_from(
        (25.0, 32.0), centre=(60.0, 70.0), shear=0.2, degrees=35.0, ellipse=True, size=image.shape
    )
    anchor, power = np.array([55.0, 80.0]), 2.5
    monkeypatch.setattr(deformation, "random_shape", lambda **_: shape)
    monkeypatch.setattr(deformation, "_anchor", lambda *_: tuple(anchor))
    it = scene(image, foreground=False, radial={"log2_factor": [np.log2(power), np.log2(power)]})
    edit = getattr(deformation, task)(it, rng=np.random.default_rng(0))
    checked = 0
    for row in range(shape.box.top, shape.box.bottom, 5):
        for column in range(shape.box.left, shape.box.right, 5):
            pixel = np.array([row, column])
            at = row - shape.box.top, column - shape.box.left
            assert edit.region[at] == inside(shape, pixel)
            radius = np.linalg.norm(pixel - anchor)
            if not edit.region[at] or radius < 1:
                continue
            edge = march(shape, anchor, pixel)
            if task == "source":
                new = radius**power / edge ** (power - 1)
            else:
                new = edge - (edge - radius) ** power / edge ** (power - 1)
            sampled = anchor + (pixel - anchor) * new / radius
            assert edit.pixels[at] * 256 == pytest.approx(sampled[axis], abs=0.1)
            checked += 1
    assert checked > 50


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(32, 200),
    width=st.integers(32, 200),
    seed=st.integers(0, 2**32),
    profile=st.sampled_from(["generic", "brain_mri", "breast_ultrasound", "chest_xray"]),
    foreground=st.booleans(),
)
def test_guided_fields_never_fold_and_keep_inside(phantom, height, width, seed, profile, foreground):
    it = scene(phantom(height, width), profile=profile, foreground=foreground)
    box, u_rows, u_columns, window = deformation.guided_field(it, np.random.default_rng(seed))
    (a, b), (c, d) = ([np.gradient(u, axis=axis) for axis in (0, 1)] for u in (u_rows, u_columns))
    assert ((1 + a) * (1 + d) - b * c).min() > 0
    gradients = np.stack([np.diff(u, axis=0)[:, :-1] for u in (u_rows, u_columns)], axis=-1)
    across = np.stack([np.diff(u, axis=1)[:-1] for u in (u_rows, u_columns)], axis=-1)
    norms = np.linalg.norm(np.stack([gradients, across], axis=-1), ord=2, axis=(-2, -1))
    strength = it.settings.guided.strength
    assert strength[0] - 1e-3 <= norms.max() <= strength[1] + 1e-3
    # Where anatomy ends, and from the outline on, nothing moves.
    inside_organ = it.anatomy.foreground[box.window]
    still = ~inside_organ | (window == 0)
    assert not u_rows[still].any()
    assert not u_columns[still].any()
    # What moves is sampled from inside the organ.
    rows, columns = np.mgrid[box.top : box.bottom, box.left : box.right]
    moving = ~still
    sampled = (rows + u_rows)[moving].round().astype(int), (columns + u_columns)[moving].round().astype(int)
    assert it.anatomy.foreground[sampled].all()


def test_growth_magnifies_and_shrinkage_shrinks(phantom):
    determinants = {}
    for probability in (0.0, 1.0):
        guided = {"expansion_probability": probability, "push": [0, 0], "waviness": [0, 0]}
        it = scene(phantom(150, 150), foreground=False, guided=guided)
        _box, u_rows, u_columns, window = deformation.guided_field(it, np.random.default_rng(4))
        top = np.unravel_index(window.argmax(), window.shape)
        (a, b), (c, d) = ([np.gradient(u, axis=axis)[top] for axis in (0, 1)] for u in (u_rows, u_columns))
        determinants[probability] = (1 + a) * (1 + d) - b * c
    # A growing region samples a smaller one.
    assert determinants[1.0] < 0.8
    assert determinants[0.0] > 1.2

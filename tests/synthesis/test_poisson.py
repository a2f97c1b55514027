"""The fast Poisson solver against a direct sparse solve, a naive guidance field and known solutions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.sparse import lil_array
from scipy.sparse.linalg import spsolve

from fusionmedclip.synthesis.masks import Box, perlin_mask
from fusionmedclip.synthesis.poisson import TOLERANCE, guidance_divergence, solve_poisson
from fusionmedclip.synthesis.ranges import PerlinSettings


def texture(size, seed, sigma=2.0):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(size), sigma)
    return ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)


def direct(target, divergence, mask):
    """Row by row, the equations as Perez et al. (2003) write them, solved by sparse LU in float64."""
    pixels = [tuple(pixel) for pixel in np.argwhere(mask)]
    number = {pixel: i for i, pixel in enumerate(pixels)}
    matrix, right = lil_array((len(pixels), len(pixels))), np.empty(len(pixels))
    for i, (row, column) in enumerate(pixels):
        matrix[i, i] = 4
        right[i] = divergence[row, column]
        for neighbour in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if neighbour in number:
                matrix[i, number[neighbour]] = -1
            else:
                right[i] += target[neighbour]
    solution = target.astype(np.float64)
    solution[mask] = spsolve(matrix.tocsr(), right)
    return solution


def inner(mask):
    mask = mask.copy()
    mask[[0, -1]] = mask[:, [0, -1]] = False
    return mask


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(6, 90),
    width=st.integers(6, 90),
    seed=st.integers(0, 2**32),
    sigma=st.sampled_from([0.5, 2.0, 6.0]),
    mixed=st.booleans(),
)
def test_blobs_agree_with_a_direct_solve(height, width, seed, sigma, mixed):
    size = height, width
    rng = np.random.default_rng(seed)
    mask = inner(perlin_mask(Box(0, 0, *size), rng=rng, settings=PerlinSettings()))
    source, target = texture(size, seed + 1, sigma), texture(size, seed + 2, sigma)
    divergence = guidance_divergence(source, target=target, mixed=mixed)
    solution = solve_poisson(target, divergence=divergence, mask=mask)
    assert solution.dtype == np.float32
    np.testing.assert_array_equal(solution[~mask], target[~mask])
    if mask.any():
        assert np.abs(solution - direct(target, divergence, mask)).max() < TOLERANCE


def hard_mask(kind):
    rows, columns = np.mgrid[:80, :80]
    radius = np.hypot(rows - 40, columns - 40)
    noise = np.random.default_rng(3).random((80, 80))
    return inner(
        {
            "everything": radius >= 0,
            "ring": (radius < 36) & (radius > 33),
            "noise": noise < 0.8,
            "stripes": columns % 8 != 0,
            "comb": (rows % 2 == 0) | (columns == 1),
            "pixel": (rows == 40) & (columns == 41),
        }[kind]
    )


@pytest.mark.parametrize("kind", ["everything", "ring", "noise", "stripes", "comb", "pixel"])
def test_hard_masks_stay_within_a_grey_level(kind):
    mask = hard_mask(kind)
    source, target = texture(mask.shape, 1), texture(mask.shape, 2)
    divergence = guidance_divergence(source, target=target, mixed=False)
    solution = solve_poisson(target, divergence=divergence, mask=mask)
    assert np.abs(solution - direct(target, divergence, mask)).max() < 1 / 255


def test_no_guidance_interpolates_harmonically():
    # A ramp is harmonic: with no gradients to match, its inside follows from its border.
    ramp = np.tile(np.linspace(0, 1, 60, dtype=np.float32), (50, 1))
    mask = np.zeros((50, 60), dtype=bool)
    mask[5:45, 7:50] = True
    hollow = np.where(mask, np.float32(0.3), ramp)
    solution = solve_poisson(hollow, divergence=np.zeros_like(ramp), mask=mask)
    np.testing.assert_allclose(solution, ramp, atol=TOLERANCE)


def test_the_targets_own_gradients_give_the_target_back():
    target = texture((40, 50), 5)
    mask = inner(np.ones((40, 50), dtype=bool))
    divergence = guidance_divergence(target, target=target, mixed=False)
    np.testing.assert_allclose(solve_poisson(target, divergence=divergence, mask=mask), target, atol=1e-5)


@pytest.mark.parametrize("mixed", [False, True])
def test_guidance_is_the_sum_over_neighbours(mixed):
    source, target = texture((9, 11), 1), texture((9, 11), 2)
    found = guidance_divergence(source, target=target, mixed=mixed)
    for row in range(1, 8):
        for column in range(1, 10):
            total = 0.0
            for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                theirs = float(source[row, column]) - float(source[row + dy, column + dx])
                own = float(target[row, column]) - float(target[row + dy, column + dx])
                total += own if mixed and abs(own) > abs(theirs) else theirs
            assert found[row, column] == pytest.approx(total, abs=1e-5)


def test_an_empty_mask_changes_nothing():
    target = texture((20, 20), 1)
    solution = solve_poisson(target, divergence=target, mask=np.zeros((20, 20), dtype=bool))
    np.testing.assert_array_equal(solution, target)

"""Simplex noise in octaves, as a sparse linear map of random gradients.

The value of OpenSimplex noise (K. Spencer's first version, which AnoDDPM uses) at a point p is a sum over the
lattice points v within sqrt(2) of it: ``(2 - |p - v|^2)^4 g_v . (p - v) / 103`` with g_v drawn from 24
gradients. For fixed points all but the gradients is fixed; so the sum over lattice and octaves is one sparse
matrix, made once, and a field is one product with fresh gradients.
"""

import itertools
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array, hstack

from fusionmedclip.randomness import generator

__all__ = ["GRADIENTS", "SimplexNoise", "lattice_weights"]

GRADIENTS = np.array(
    [
        np.roll((11 * a, 4 * b, 4 * c), shift)
        for shift in range(3)
        for a, b, c in itertools.product((1, -1), repeat=3)
    ],
    dtype=np.float32,
)
"""(24, 3): the permutations and signs of (11, 4, 4)."""

_SQUISH = 1 / 3
_NORM = 103
_PERIOD = 6
"""The lattice repeats after 6 along each axis."""


def lattice_weights(points: np.ndarray) -> tuple[np.ndarray, csr_array]:
    """Lattice points that matter to some points, and how.

    Parameters
    ----------
    points : (P, 3) float array

    Returns
    -------
    (V, 3) int64 array
        Lattice points, by their coordinates in the skewed lattice.
    (P, 3 V) float64 csr_array
        Times the gradients (V, 3), flattened, gives the noise at the points.
    """
    base = np.floor(points - points.sum(axis=1, keepdims=True) / 6)
    rows, vertices, weights = [], [], []
    for offset in itertools.product((-1, 0, 1, 2), repeat=3):
        vertex = base + offset
        away = points - (vertex + _SQUISH * vertex.sum(axis=1, keepdims=True))
        reach = 2 - np.einsum("pd,pd->p", away, away)
        near = np.flatnonzero(reach > 0)
        rows.append(near)
        vertices.append(vertex[near].astype(np.int64))
        weights.append((reach[near] ** 4)[:, None] * away[near] / _NORM)
    unique, index = np.unique(np.concatenate(vertices), axis=0, return_inverse=True)
    row = np.repeat(np.concatenate(rows), 3)
    column = (3 * index.ravel()[:, None] + np.arange(3)).ravel()
    shape = (len(points), 3 * len(unique))
    return unique, csr_array((np.concatenate(weights).ravel(), (row, column)), shape=shape)


class SimplexNoise:
    """Fields of simplex noise in octaves (Wyatt et al., CVPRW 2022; its numbers are the defaults).

    The official code slices three-dimensional noise at a height that depends on the diffusion step, with
    new gradients for each field; so here each field is one of a few slices at random heights and places,
    with new gradients.

    Parameters
    ----------
    size : int
        Side of a field, pixels.
    octaves : int
    persistence : float
        Amplitude of an octave relative to the one before.
    frequency : float
        Pixels a unit of the first octave; each next octave has half of it.
    slices : int
        Of the three-dimensional noise, that fields are drawn from.
    """

    def __init__(
        self, size: int, *, octaves: int = 6, persistence: float = 0.8, frequency: float = 64, slices: int = 8
    ):
        self.size = size
        self.slices = slices
        self._matrix = lru_cache(maxsize=slices)(
            lambda number: _slice_matrix(size, octaves, persistence, frequency, number)
        )

    def field(self, *purpose: int | str) -> np.ndarray:
        """(size, size) float32 field, a function of what it is for."""
        rng = generator(*purpose, "simplex")
        matrix = self._matrix(int(rng.integers(self.slices)))
        gradients = GRADIENTS[rng.integers(0, len(GRADIENTS), matrix.shape[1] // 3)]
        return (matrix @ gradients.reshape(-1)).reshape(self.size, self.size)


def _slice_matrix(size: int, octaves: int, persistence: float, frequency: float, number: int) -> csr_array:
    """All octaves of one slice side by side: (size^2, 3 V) float32."""
    rows, columns = np.mgrid[:size, :size].astype(np.float64)
    flat = np.stack([columns.ravel(), rows.ravel(), np.zeros(size * size)], axis=1)
    parts = []
    for octave in range(octaves):
        place = generator("simplex slice", number, octave).uniform(0, _PERIOD, 3)
        _, weights = lattice_weights(flat * (2**octave / frequency) + place)
        parts.append(weights * persistence**octave)
    matrix = csr_array(hstack(parts, format="csr"), dtype=np.float32)
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix

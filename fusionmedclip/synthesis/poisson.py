"""Poisson image editing inside a mask (thesis Eq. 12; Perez, Gangnet and Blake 2003)."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import spsolve

__all__ = ["guidance_divergence", "solve_poisson"]


def guidance_divergence(source: np.ndarray, *, target: np.ndarray, mixed: bool) -> np.ndarray:
    """Sum over the four neighbours q of p of the guidance v_pq, where V comes from a source patch.

    Parameters
    ----------
    source, target : (h, w) float32 arrays
    mixed : bool
        Between each two neighbours take the stronger of the source's and the target's difference.

    Returns
    -------
    (h, w) float32 array
        Meaningful off the outermost rows and columns.
    """
    down, across = np.diff(source, axis=0), np.diff(source, axis=1)
    if mixed:
        own_down, own_across = np.diff(target, axis=0), np.diff(target, axis=1)
        down = np.where(np.abs(own_down) > np.abs(down), own_down, down)
        across = np.where(np.abs(own_across) > np.abs(across), own_across, across)
    divergence = np.zeros_like(source)
    divergence[1:] += down
    divergence[:-1] -= down
    divergence[:, 1:] += across
    divergence[:, :-1] -= across
    return divergence


def solve_poisson(target: np.ndarray, *, divergence: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Solve ``4 f_p - sum_q f_q = divergence_p`` for p in the mask, f = target elsewhere.

    Parameters
    ----------
    target : (h, w) float32 array
    divergence : (h, w) float32 array
    mask : (h, w) bool array
        Must not touch the outermost rows and columns.

    Returns
    -------
    (h, w) float32 array
        Equal to the target off the mask.
    """
    solution = target.copy()
    inside = np.flatnonzero(mask)
    if not len(inside):
        return solution
    width = mask.shape[1]
    number = np.full(mask.size, -1)
    number[inside] = np.arange(len(inside))
    right = divergence.ravel()[inside].astype(np.float64)
    rows, columns = [np.arange(len(inside))], [np.arange(len(inside))]
    values = [np.full(len(inside), 4.0)]
    for step in (-width, width, -1, 1):
        neighbour = inside + step
        within = mask.ravel()[neighbour]
        rows.append(np.flatnonzero(within))
        columns.append(number[neighbour[within]])
        values.append(np.full(int(within.sum()), -1.0))
        right[~within] += target.ravel()[neighbour[~within]]
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    solution.ravel()[inside] = spsolve(csr_array(entries), right)
    return solution

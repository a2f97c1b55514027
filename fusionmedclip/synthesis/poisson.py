"""Poisson image editing inside a mask of any shape (thesis Eq. 12; Perez, Gangnet and Blake 2003).

The discrete Poisson equation is solved by conjugate gradients with one multigrid V-cycle as preconditioner
(Tatebe 1993): red-black Gauss-Seidel sweeps, bilinear interpolation and its transpose, and on each coarser
grid every second pixel of the mask. The sweeps after the coarse correction run in the reverse order, which
keeps the preconditioner symmetric. Masks with thin parts, on which multigrid alone diverges, then only cost
an iteration more.
"""

import cv2
import numpy as np

__all__ = ["TOLERANCE", "guidance_divergence", "solve_poisson"]

TOLERANCE = 1e-3
"""Largest difference from a direct sparse solve, on values in [0, 1], on blobs: a quarter of a grey level.
Masks made to be hard (narrow stripes that meet at their ends) stay within one grey level."""

ESTIMATE = 4e-4
"""Iterations end once the error estimated from the last two steps is below this."""

ITERATIONS = 40
"""Bound that no mask of up to 1024 x 1024 pixels has been seen to reach (five or six are usual)."""

SWEEPS = 1
COARSEST_SIDE = 8

_NEIGHBOURS = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=np.float32)
_BILINEAR = np.outer([0.5, 1.0, 0.5], [0.5, 1.0, 0.5]).astype(np.float32)


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
    if not mixed:
        return -_laplacian(source)
    divergence = np.zeros_like(source)
    for axis, ahead, behind in ((0, np.s_[1:], np.s_[:-1]), (1, np.s_[:, 1:], np.s_[:, :-1])):
        theirs, own = np.diff(source, axis=axis), np.diff(target, axis=axis)
        step = np.where(np.abs(own) > np.abs(theirs), own, theirs)
        divergence[ahead] += step
        divergence[behind] -= step
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
        Equal to the target off the mask; within `TOLERANCE` of a direct solve on it.
    """
    solution = target.copy()
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    if width == 0:
        return solution
    window = np.s_[top : top + height, left : left + width]
    solution[mask] = 0
    inside = mask[window].astype(np.float32)
    # Off the mask the target moves to the right-hand side; on it, unknowns start from the target.
    right = ((_laplacian(solution) + divergence)[window]) * inside
    start = target[window] * inside
    solution[window] += _conjugate_gradients(start, right=right, inside=inside)
    return solution


def _laplacian(image: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    return cv2.filter2D(image, -1, _NEIGHBOURS, dst=out, borderType=cv2.BORDER_CONSTANT)


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    # einsum, not vdot: a BLAS would sum in an order that depends on its number of threads.
    return float(np.einsum("ij,ij->", a, b))


def _conjugate_gradients(solution: np.ndarray, *, right: np.ndarray, inside: np.ndarray) -> np.ndarray:
    grids = _coarsen(inside)
    residual = (_laplacian(solution) + right) * inside
    direction, energy, largest = None, 0.0, np.inf
    product, step = np.empty_like(residual), np.empty_like(residual)
    for _ in range(ITERATIONS):
        better = _v_cycle(residual, grids)
        previous, energy = energy, _dot(residual, better)
        if direction is None:
            direction = better
        else:
            direction *= np.float32(energy / previous)
            direction += better
        _laplacian(direction, out=product)
        product *= inside
        curvature = -_dot(direction, product)
        if energy <= 0 or curvature <= 0:
            break
        length = np.float32(energy / curvature)
        np.multiply(direction, length, out=step)
        solution += step
        before, largest = largest, cv2.norm(step, cv2.NORM_INF)
        # Steps that shrink by a factor q each sum to step * q / (1 - q) from here on.
        factor = float(np.clip(largest / before, 0.25, 0.95))
        if largest * factor / (1 - factor) < ESTIMATE:
            break
        product *= length
        residual += product
    return solution


class _Grid:
    """One level: the mask, its red and black halves divided by the operator's diagonal, and work space."""

    def __init__(self, inside: np.ndarray):
        self.inside = inside
        self.red = inside * np.float32(0.25)
        self.black = self.red.copy()
        self.red[::2, 1::2] = self.red[1::2, ::2] = 0
        self.black -= self.red
        self.work = np.empty_like(inside)
        self.sparse = np.zeros_like(inside)

    def sweep(self, field: np.ndarray, right: np.ndarray, colour: np.ndarray) -> None:
        """Gauss-Seidel on the pixels of one colour."""
        _laplacian(field, out=self.work)
        self.work += right
        self.work *= colour
        field += self.work


def _coarsen(inside: np.ndarray) -> list[_Grid]:
    grids = [_Grid(inside)]
    while min(inside.shape) > COARSEST_SIDE:
        inside = np.ascontiguousarray(inside[::2, ::2])
        if not inside.any():
            break
        grids.append(_Grid(inside))
    return grids


def _v_cycle(right: np.ndarray, grids: list[_Grid]) -> np.ndarray:
    grid, coarser = grids[0], grids[1:]
    sweeps = SWEEPS if coarser else 3 * SWEEPS
    field = right * grid.red
    grid.sweep(field, right, grid.black)
    for _ in range(sweeps - 1):
        grid.sweep(field, right, grid.red)
        grid.sweep(field, right, grid.black)
    if coarser:
        work = _laplacian(field, out=grid.work)
        work += right
        work *= grid.inside
        restricted = cv2.filter2D(work, -1, _BILINEAR, borderType=cv2.BORDER_CONSTANT)[::2, ::2]
        grid.sparse[::2, ::2] = _v_cycle(restricted * coarser[0].inside, coarser)
        cv2.filter2D(grid.sparse, -1, _BILINEAR, dst=work, borderType=cv2.BORDER_CONSTANT)
        work *= grid.inside
        field += work
    for _ in range(sweeps):
        grid.sweep(field, right, grid.black)
        grid.sweep(field, right, grid.red)
    return field

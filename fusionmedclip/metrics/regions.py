"""Ground-truth regions and their overlap, as whole numbers that add up in any order."""

import cv2
import numpy as np

from fusionmedclip.metrics.float16_bins import BINS

__all__ = ["MAX_REGIONS", "REGION_MASS", "region_mass", "regions_of"]

_HALF_BITS = 20
REGION_MASS = 1 << (2 * _HALF_BITS)
"""What one whole region weighs: 2**40 units, so that overlaps are integers and sums are exact."""

MAX_REGIONS = (1 << 63) // REGION_MASS - 1
"""More regions than this (8.4 million) would overflow the 64-bit sum."""


def regions_of(masks: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the connected regions of binary masks (8-connectivity, never across images).

    Parameters
    ----------
    masks : (N, H, W) bool array

    Returns
    -------
    region : (P,) int64 array
        Region of each of the P true pixels, in the order of ``masks[masks]``.
    count : int
    """
    found, count = [], 0
    for mask in masks:
        if not mask.any():
            continue
        seen, labels = cv2.connectedComponents(np.ascontiguousarray(mask).view(np.uint8), connectivity=8)
        found.append(labels[mask].astype(np.int64) + (count - 1))
        count += seen - 1
    return (np.concatenate(found) if found else np.zeros(0, np.int64)), count


def region_mass(bins: np.ndarray, region: np.ndarray, count: int) -> np.ndarray:
    """Weighted histogram whose sum from the top down to a bin is the summed overlap at that threshold.

    A region of s pixels, c of which lie at or above a bin, overlaps by c / s. That is kept as
    floor(c * 2**40 / s); the mass of a bin is the difference to the next higher one. So every region
    weighs exactly 2**40, each overlap is at most 2**-40 too small, and since all is integer the result
    does not depend on the order or grouping of images.

    Parameters
    ----------
    bins : (P,) int64 array
        Ascending bin of each region pixel's score.
    region : (P,) int64 array
        Its region, 0 to count - 1.
    count : int

    Returns
    -------
    (65536,) int64 array
    """
    mass = np.zeros(BINS, np.int64)
    if not count:
        return mass
    keys = region * BINS + (BINS - 1 - bins)
    keys.sort()
    last = np.flatnonzero(np.append(np.diff(keys) != 0, True))
    owner, bin_ = keys[last] // BINS, BINS - 1 - keys[last] % BINS
    size = np.bincount(region, minlength=count)
    reached = last + 1 - (np.cumsum(size) - size)[owner]
    # Two steps of 20 bits: c * 2**40 would overflow 64 bits for regions above 8 million pixels.
    high, rest = np.divmod(reached << _HALF_BITS, size[owner])
    overlap = (high << _HALF_BITS) + (rest << _HALF_BITS) // size[owner]
    first = np.append(True, owner[1:] != owner[:-1])
    np.add.at(mass, bin_, overlap - np.where(first, 0, np.roll(overlap, 1)))
    return mass

"""Score values as float16, and the order of the 65,536 float16 values as bins.

A float16 has 16 bits, so a histogram over all of its values is small, exact and adds up. Rounding to
float16 is monotone: it never swaps two pixels, it can only tie them.
"""

import numpy as np

from fusionmedclip.errors import InputError

__all__ = ["BINS", "bins_of_bits", "counts_of_bits", "float16_bits"]

BINS = 65_536
_SIGN = 0x8000
_INFINITY = 0x7C00
_PIECE = 1 << 20


def float16_bits(maps: np.ndarray) -> np.ndarray:
    """Round maps to float16 (nearest, ties to even) and give their bit patterns, flat.

    Parameters
    ----------
    maps : (N, H, W) float array
        Finite. A magnitude of 65,520 and above becomes an infinity, which keeps its place in the order.

    Returns
    -------
    (N * H * W,) uint16 array

    Raises
    ------
    InputError
        If a value is NaN or infinite.
    """
    if maps.dtype != np.float16 and not (np.isfinite(maps.min()) and np.isfinite(maps.max())):
        raise _not_finite(int((~np.isfinite(maps)).sum()))
    with np.errstate(over="ignore", under="ignore"):
        rounded = np.ascontiguousarray(maps, dtype=np.float16)
    bits = rounded.view(np.uint16).ravel()
    if maps.dtype == np.float16:
        bad = int(np.count_nonzero((bits & (_SIGN - 1)) >= _INFINITY))
        if bad:
            raise _not_finite(bad)
    return bits


def _not_finite(count: int) -> InputError:
    return InputError(
        "anomaly maps are not all finite",
        received=f"{count} pixels NaN or infinite",
        hint="find the image whose map is so; a map has a value at every pixel",
    )


def counts_of_bits(bits: np.ndarray) -> np.ndarray:
    """Count bit patterns into bins that ascend with the value; -0 counts as +0.

    Returns
    -------
    (65536,) int64 array
    """
    raw = np.zeros(BINS, np.int64)
    # bincount widens its input to 64 bits; in pieces, so that one huge image does not.
    for start in range(0, bits.size, _PIECE):
        raw += np.bincount(bits[start : start + _PIECE], minlength=BINS)
    raw[0] += raw[_SIGN]
    raw[_SIGN] = 0
    # Negative floats are stored as sign and magnitude, so their patterns ascend while they descend.
    return np.concatenate([raw[_SIGN:][::-1], raw[:_SIGN]])


def bins_of_bits(bits: np.ndarray) -> np.ndarray:
    """Bin of each bit pattern, in the same order as :func:`counts_of_bits`; int64."""
    wide = bits.astype(np.int64)
    wide[wide == _SIGN] = 0
    return np.where(wide >= _SIGN, BINS - 1 - wide, wide + _SIGN)

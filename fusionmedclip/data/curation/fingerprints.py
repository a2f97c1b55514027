"""Two fingerprints of a picture: 64 bits to find candidates, a thumbnail to decide."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.fft import dctn

__all__ = ["Fingerprints", "fingerprint"]

THUMBNAIL = 64
_HASHED, _LOW = 32, 8


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints of N images; four kilobytes each, whatever the size of the pictures.

    Attributes
    ----------
    hashes : (N,) uint64 array
        Perceptual hash.
    thumbnails : (N, 64, 64) uint8 array
        The picture squashed to a small square.
    """

    hashes: np.ndarray
    thumbnails: np.ndarray


def fingerprint(image: np.ndarray) -> tuple[np.uint64, np.ndarray]:
    """Perceptual hash and thumbnail of one picture.

    The hash is pHash as commonly implemented: the picture in 8 bits, reduced to 32 x 32 by a Lanczos filter,
    its two-dimensional DCT (type II); the 8 x 8 lowest frequencies, constant term included, each compared
    with their median. Bits in row order, the first the most significant.

    Parameters
    ----------
    image : (H, W) float32 array
        In [0, 1].

    Returns
    -------
    hash : uint64
    thumbnail : (64, 64) uint8 array
        By the same filter.
    """
    picture = Image.fromarray(np.rint(image * 255).astype(np.uint8))
    small = picture.resize((_HASHED, _HASHED), Image.Resampling.LANCZOS)
    low = dctn(np.asarray(small, np.float64))[:_LOW, :_LOW]
    bits = np.packbits((low > np.median(low)).ravel())
    thumbnail = picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    return np.uint64(int.from_bytes(bits.tobytes(), "big")), np.asarray(thumbnail)

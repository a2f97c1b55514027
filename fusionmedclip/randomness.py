"""Counter-based randomness: a generator is a pure function of what it is for.

Nothing here keeps state, so a draw cannot depend on worker count, on the order of batches, on another
process or on the time.
"""

import hashlib
import operator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

__all__ = ["generator", "key", "torch_generator"]


def key(*purpose: int | str) -> int:
    """Hash what a draw is for into 128 bits.

    Parameters
    ----------
    *purpose : int or str
        For example ``(seed, "synthesis", epoch, index)``. ``1`` and ``"1"`` are different purposes.

    Returns
    -------
    int
        In ``[0, 2**128)``, the same on every machine.
    """
    # numpy's integers print otherwise than Python's, and must not be another purpose.
    plain = tuple(part if isinstance(part, str) else operator.index(part) for part in purpose)
    digest = hashlib.blake2b(repr(plain).encode(), digest_size=16).digest()
    return int.from_bytes(digest, "little")


def generator(*purpose: int | str) -> np.random.Generator:
    """Numpy generator (Philox, counter-based) for one purpose.

    Examples
    --------
    >>> bool(generator(0, "mask", 3).random() == generator(0, "mask", 3).random())
    True
    """
    return np.random.Generator(np.random.Philox(key=key(*purpose)))


def torch_generator(*purpose: int | str) -> "torch.Generator":
    """CPU torch generator for one purpose; draw on the CPU, then move, so that devices agree."""
    import torch

    return torch.Generator().manual_seed(key(*purpose) % 2**63)

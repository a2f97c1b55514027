"""Batches of one shape, so that a score does not depend on how many images were scored beside it."""

from collections.abc import Iterator

import numpy as np

__all__ = ["even_batches"]


def even_batches(images: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Split images into batches that are all of one size, the last one filled up with its last image.

    Kernels of convolutions and products are chosen by shape and add in different orders: in a shorter last
    batch an image would get other digits than the same image in the others.

    Parameters
    ----------
    images : (N, ...) array
        Or several of them: anything that takes an array of rows as index.
    size : int
        Images in a batch, at most; all N where there are fewer.

    Yields
    ------
    batch : (B, ...) array
        B is the same every time.
    kept : int
        How many of them count; the others repeat the last one.

    Examples
    --------
    >>> [(batch.tolist(), kept) for batch, kept in even_batches(np.arange(5), 2)]
    [([0, 1], 2), ([2, 3], 2), ([4, 4], 1)]
    """
    count = len(images)
    size = min(size, count)
    for start in range(0, count, size or 1):
        rows = np.minimum(np.arange(start, start + size), count - 1)
        yield images[rows], min(size, count - start)

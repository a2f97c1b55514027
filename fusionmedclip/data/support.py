"""The k normal images that a method learns from."""

import pandas as pd

from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator

__all__ = ["draw_support"]


def draw_support(
    split: pd.DataFrame, *, k: int, seed: int, dataset: str, nested: bool = True
) -> pd.DataFrame:
    """Draw k images of the pool without replacement.

    Nested, one permutation of the pool, keyed by seed and data set, serves every k: k = 4 is the first four
    of k = 8, 16 and 32. So a curve over k shows what more images bring, not the luck of another draw (thesis
    4.1 leaves this open). Otherwise k keys a permutation of its own.

    Parameters
    ----------
    split : DataFrame
        ``image_id`` and ``part``, see :func:`fusionmedclip.data.splits.make_split`.
    k : int
        Number of images, at least 1.
    seed : int
    dataset : str
        Identifier; also keys the draw.
    nested : bool

    Returns
    -------
    DataFrame
        Column ``image_id``, k rows, in the order drawn.

    Raises
    ------
    InputError
        When k is larger than the pool, or not positive.
    """
    pool = sorted(split.loc[split["part"] == "pool", "image_id"])
    if not 1 <= k <= len(pool):
        raise InputError(
            f"data set {dataset!r}: k = {k} support images cannot be drawn",
            received=k,
            allowed=f"1 to {len(pool)} (normal images outside the test set)",
            hint="lower k, or test on fewer normal images",
        )
    purpose = (seed, "support", dataset) if nested else (seed, "support", dataset, k)
    order = generator(*purpose).permutation(len(pool))
    return pd.DataFrame({"image_id": [pool[index] for index in order[:k]]})

"""How much of a test set is already in the support set."""

from collections.abc import Mapping
from math import comb

import pandas as pd

from fusionmedclip.data.groups import components
from fusionmedclip.errors import InputError

__all__ = ["count_leaks", "expected_leak", "find_leaks"]


def expected_leak(manifest: pd.DataFrame, k: int) -> tuple[float, int]:
    """Normals held out that share a group with the support set, on average over random support sets.

    Every normal image that is not drawn is held out. An image with m further normals in its group is
    untouched by a draw of k from the other N - 1 normals with probability C(N-1-m, k) / C(N-1, k).

    Parameters
    ----------
    manifest : DataFrame
        With ``label`` and ``duplicate``.
    k : int
        Size of the support set.

    Returns
    -------
    leaked : float
        Expected number of held-out normals with a duplicate in the support set.
    held_out : int
        Their number, N - k.
    """
    normal = manifest[manifest["label"] == 0]
    total = len(normal)
    if not 0 <= k < total:
        raise InputError("no normal image would be held out", received=k, allowed=f"k below {total}")
    sizes = normal["duplicate"][normal["duplicate"] != ""].value_counts()
    touched = sum(n * (1 - comb(total - n, k) / comb(total - 1, k)) for n in sizes)
    return touched * (total - k) / total, total - k


def find_leaks(manifest: pd.DataFrame, split: pd.DataFrame, support: pd.DataFrame) -> pd.DataFrame:
    """Test images that belong together with a support image.

    Parameters
    ----------
    manifest : DataFrame
        With ``group`` and ``duplicate``.
    split : DataFrame
        See :func:`fusionmedclip.data.splits.make_split`.
    support : DataFrame
        See :func:`fusionmedclip.data.support.draw_support`.

    Returns
    -------
    DataFrame
        ``test`` and ``support`` (image_id), one row a pair; empty where nothing leaks.
    """
    tested = set(split.loc[split["part"] == "test", "image_id"])
    learnt = set(support["image_id"])
    frame = manifest.reset_index(drop=True)
    rows = []
    for group in components(frame):
        members = [frame["image_id"][row] for row in sorted(group)]
        rows += [(t, s) for t in members if t in tested for s in members if s in learnt]
    return pd.DataFrame(sorted(rows), columns=["test", "support"])


def count_leaks(
    manifest: pd.DataFrame, splits: Mapping[str, pd.DataFrame], supports: Mapping[tuple, pd.DataFrame]
) -> pd.DataFrame:
    """Count leaked test images of many support sets.

    Parameters
    ----------
    manifest : DataFrame
    splits : mapping
        Name to split.
    supports : mapping
        (split, k, seed) to support set.

    Returns
    -------
    DataFrame
        ``split``, ``k``, ``seed``, ``leaked`` (test images that belong together with a support image) and
        ``tested``, sorted.
    """
    rows = []
    for (name, k, seed), support in sorted(supports.items()):
        leaked = find_leaks(manifest, splits[name], support)["test"].nunique()
        rows.append((name, k, seed, leaked, int((splits[name]["part"] == "test").sum())))
    return pd.DataFrame(rows, columns=["split", "k", "seed", "leaked", "tested"])

"""Ranks of methods over many cells of a table, and which ranks differ.

Demsar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7 (2006) 1-30.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.checks import check_level

__all__ = ["Ranking", "average_ranks", "critical_difference", "indistinguishable", "rank_methods"]


class Ranking(NamedTuple):
    """Comparison of M methods over N blocks.

    Attributes
    ----------
    ranks : (M,) float64 array
        Average rank, 1 for the best.
    critical_difference : float
        Nemenyi: two methods whose average ranks differ by less are not told apart.
    p_value : float
        Of "all methods rank alike": Friedman's statistic, corrected for ties, in the F form of Iman and
        Davenport (1980).
    groups : list of tuple of int
        Largest runs of methods, by rank, that are not told apart; for the bars of a rank figure.
    """

    ranks: np.ndarray
    critical_difference: float
    p_value: float
    groups: list[tuple[int, ...]]


def _blocks(values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or min(array.shape) < 2 or not np.isfinite(array).all():
        raise InputError(
            "the table to rank is unusable",
            received=f"shape {array.shape}, {int((~np.isfinite(array)).sum())} not finite",
            allowed="(blocks, methods), two or more of each, every cell run",
            hint="leave out methods or blocks with a cell that was not run",
        )
    return array


def average_ranks(values: ArrayLike) -> np.ndarray:
    """Average rank of each method, 1 for the highest value of a block, ties sharing their mean rank.

    Parameters
    ----------
    values : (N, M) array
        Rows are blocks (a data set at one k, say), columns are methods; higher is better. Blocks should be
        independent: seeds of one data set are not, so average them first.

    Returns
    -------
    (M,) float64 array
    """
    from scipy.stats import rankdata

    return rankdata(-_blocks(values), axis=1).mean(axis=0)


def critical_difference(methods: int, blocks: int, *, alpha: float = 0.05) -> float:
    """Nemenyi's critical difference of average ranks: q * sqrt(M (M + 1) / (6 N)).

    q is the studentised range quantile at infinite degrees of freedom over sqrt(2) (Demsar, Table 5).
    """
    if methods < 2 or blocks < 1:
        raise InputError(
            "nothing to compare", received=(methods, blocks), allowed="2 methods and 1 block, or more"
        )
    from scipy.stats import studentized_range

    q = float(studentized_range.isf(check_level("alpha", alpha), methods, np.inf)) / math.sqrt(2)
    return q * math.sqrt(methods * (methods + 1) / (6 * blocks))


def indistinguishable(ranks: ArrayLike, difference: float) -> list[tuple[int, ...]]:
    """Largest groups of methods whose average ranks span less than a critical difference.

    Returns
    -------
    list of tuple of int
        Indices by ascending rank; groups of one and groups inside others are left out.
    """
    ranks = np.asarray(ranks, dtype=np.float64)
    order = np.argsort(ranks, kind="stable")
    groups: list[tuple[int, ...]] = []
    reached = 0
    for start in range(len(order)):
        stop = start + int((ranks[order[start:]] - ranks[order[start]] < difference).sum())
        if stop > max(reached, start + 1):
            groups.append(tuple(int(i) for i in order[start:stop]))
            reached = stop
    return groups


def rank_methods(values: ArrayLike, *, alpha: float = 0.05) -> Ranking:
    """Rank M methods over N blocks, with the Friedman test and Nemenyi's critical difference.

    Parameters
    ----------
    values : (N, M) array
        As in :func:`average_ranks`.
    alpha : float
        Level of the critical difference.
    """
    table = _blocks(values)
    n, m = table.shape
    ranks, difference = average_ranks(table), critical_difference(m, n, alpha=alpha)
    return Ranking(ranks, difference, _iman_davenport(table), indistinguishable(ranks, difference))


def _iman_davenport(table: np.ndarray) -> float:
    from scipy.stats import f, friedmanchisquare

    n, m = table.shape
    if (table == table[:, :1]).all():
        return 1.0
    if m == 2:
        # scipy's Friedman test wants three columns; for two it is the sign test's chi-square.
        better, worse = int((table[:, 0] > table[:, 1]).sum()), int((table[:, 0] < table[:, 1]).sum())
        statistic = (better - worse) ** 2 / (better + worse)
    else:
        statistic = float(friedmanchisquare(*table.T).statistic)
    room = n * (m - 1) - statistic
    if room <= 1e-9:
        return 0.0
    return float(f.sf((n - 1) * statistic / room, m - 1, (m - 1) * (n - 1)))

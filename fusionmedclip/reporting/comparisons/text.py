"""What a table says beneath of its best two methods."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from fusionmedclip.reporting.status import WITHOUT_NUMBER

__all__ = ["ALPHA", "sentences", "size_of"]

ALPHA = 0.05
"""Level at which two methods count as told apart, after Holm's correction over all pairs of the table."""

_NOT_COMPARED = (
    "Methods are not compared: the paired test needs one score an image, and pixels of one image are not "
    "independent."
)


def sentences(
    table: pd.DataFrame,
    comparisons: pd.DataFrame,
    titles: Mapping[str, str],
    unranked: Sequence[str] = (),
    *,
    supports: bool = True,
) -> list[str]:
    """One sentence for each data set and k: whether its best two differ, and what it would take to tell.

    Parameters
    ----------
    table : DataFrame
        As the table's CSV.
    comparisons : DataFrame
        From :func:`fusionmedclip.reporting.comparisons.compare.compare_methods`.
    titles : mapping
        Of data sets and methods.
    unranked : sequence of str
        Methods that are left out.
    supports : bool
        Whether any method looks at a support set; seeds are no draws of one otherwise.
    """
    ran = table[~table["status"].isin(WITHOUT_NUMBER) & ~table["method"].isin(list(unranked))]
    groups = [(key, group) for key, group in ran.groupby(["dataset", "k"], sort=False) if len(group) > 1]
    if not groups:
        return []
    if comparisons.empty:
        return [_NOT_COMPARED]
    pairs = {
        (row["dataset"], row["k"], frozenset((row["method_a"], row["method_b"]))): row
        for _, row in comparisons.iterrows()
    }
    found = []
    for (dataset, k), group in groups:
        best, second = group.sort_values("mean", ascending=False, kind="stable")["method"].iloc[:2]
        pair = pairs[dataset, k, frozenset((best, second))]
        names = titles.get(best, best), titles.get(second, second)
        found.append(f"{titles.get(dataset, dataset)}, k = {k}: {_sentence(*names, pair, best, supports)}")
    tested = int(comparisons["p"].notna().sum())
    how = (
        "95 % intervals and p over seeds and test images, for this pair alone; corrected p after Holm over "
        f"all pairs of this table ({tested})"
    )
    how += (
        "; support draws for power 0.8 in a paired t test on these test images, and their range at the ends "
        "of the 95 % interval of the spread."
        if supports
        else ". No method of this table looks at a support image: seeds are those of learning."
    )
    return [*found, how]


def _sentence(best: str, second: str, pair: pd.Series, first: str, supports: bool) -> str:
    ends = [100 * pair["ci_low"], 100 * pair["ci_high"]]
    if pair["method_a"] == first:
        difference, (low, high) = 100 * pair["difference"], ends
    else:
        difference, (low, high) = -100 * pair["difference"], (-ends[1], -ends[0])
    numbers = f"{difference:+.1f} points, {low:+.1f} to {high:+.1f}"
    if pd.isna(pair["p_holm"]):
        return f"{best} over {second} ({numbers}): no test, the difference has no variance."
    told = "can be" if pair["p_holm"] <= ALPHA else "cannot be"
    p = f"p {size_of(pair['p'])}, corrected p {size_of(pair['p_holm'])}"
    draws = f"; {_draws(pair)}" if supports else ""
    return f"{best} and {second} {told} told apart ({numbers}, {p}){draws}."


def size_of(p: float) -> str:
    """A p-value for reading."""
    return f"= {p:.3f}" if p >= 0.001 else "< 0.001"


def _draws(pair: pd.Series) -> str:
    sets = math.inf if pd.isna(pair["pool"]) else math.comb(int(pair["pool"]), int(pair["k"]))
    if sets == 1:
        return f"there is one support set, all {pair['pool']:.0f} normals of the pool, and no further draw"
    if pair["n_seeds"] < 2:
        return "one support draw shows no spread, so how many it would take is unknown"
    if pd.isna(pair["draws_needed"]):
        return "not even a million support draws would show so small a difference"
    if pair["draws_needed"] <= pair["n_seeds"] and pair["p_holm"] > ALPHA:
        return f"the {pair['n_seeds']:.0f} support draws would do, what is missing is test images"
    low, high = ("over a million" if pd.isna(pair[name]) else f"{pair[name]:.0f}" for name in _RANGE)
    taken = f"it would take {pair['draws_needed']:.0f} support draws ({low} to {high})"
    return f"{taken}, and the pool has only {sets} support sets" if pair["draws_needed"] > sets else taken


_RANGE = ("draws_low", "draws_high")

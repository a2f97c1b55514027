"""What a table says beneath of where it differs from the thesis."""

from collections.abc import Mapping

import pandas as pd

from fusionmedclip.reporting.comparisons.text import ALPHA, size_of

__all__ = ["verdict_lines"]


def verdict_lines(verdicts: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """How many cells were compared, how many false alarms to expect, which cells differ, what was not told.

    Parameters
    ----------
    verdicts : DataFrame
        ``{table}_verdicts.csv``.
    titles : mapping
        Of data sets and methods.

    Returns
    -------
    list of str
        Empty where no cell may be held against the thesis.
    """
    told = verdicts[verdicts["p"].notna()]
    lines = []
    if len(told):
        outside = told[told["verdict"] != "within"].sort_values("p", kind="stable")
        corrected = int((outside["p_holm"] <= ALPHA).sum())
        lines.append(_count(told, len(outside), corrected))
        lines += [_differing(line, titles) for _, line in outside.iterrows()]
    silent = verdicts[verdicts["p"].isna()]
    for note, group in silent.groupby("note", sort=False):
        cells = ", ".join(_named(line, titles) for _, line in group.iterrows())
        lines.append(f"{note[0].upper()}{note[1:]}. {cells}.")
    return lines


def _count(told: pd.DataFrame, outside: int, corrected: int) -> str:
    reach = 50 * (told["ci_high"] - told["ci_low"])
    return (
        f"{outside} of {len(told)} cells differ from the thesis: the 95 % interval of the difference leaves "
        f"out zero. Were every cell a true replication, up to {ALPHA * len(told):.1f} would by chance, often "
        "together, since cells share images; after Holm's correction over the cells of this table "
        f"{corrected} are left. Intervals reach {reach.median():.1f} points to either side (median; "
        f"{reach.min():.1f} to {reach.max():.1f}): smaller differences cannot be told."
    )


def _differing(line: pd.Series, titles: Mapping[str, str]) -> str:
    difference, low, high = (f"{100 * line[name]:+.1f}" for name in ("difference", "ci_low", "ci_high"))
    p = f"p {size_of(line['p'])}, corrected p {size_of(line['p_holm'])}"
    return f"{_named(line, titles)}: {difference} points ({low} to {high}, {p})."


def _named(line: pd.Series, titles: Mapping[str, str]) -> str:
    dataset, method = (titles.get(line[name], line[name]) for name in ("dataset", "method"))
    return f"{method}, {dataset}, k = {line['k']}"

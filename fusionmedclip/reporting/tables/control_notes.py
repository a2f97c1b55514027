"""What a table must say of its controls: a method that a trivial statistic nearly equals has shown little."""

from collections.abc import Mapping, Sequence

import pandas as pd

__all__ = ["MARGIN", "control_notes"]

MARGIN = 0.03
"""A control this close to the best method, on the metric's 0-1 scale, is named: support luck is as large."""

_RANKING = ("image_auroc",)  # metrics of which 1 - m is the value with the direction turned round


def control_notes(table: pd.DataFrame, *, controls: Sequence[str], titles: Mapping[str, str]) -> list[str]:
    """One sentence for each data set and k where controls come within :data:`MARGIN` of the best method.

    A control far below 0.5 separates the classes as well as one far above: its direction is the wrong way
    round, and it counts by what the other direction would give.

    Parameters
    ----------
    table : DataFrame
        With ``dataset``, ``method``, ``k``, ``metric`` and ``mean`` (0-1; NaN where not run).
    controls : sequence of str
        Methods of the table that are controls.
    titles : mapping
        Of data sets and methods.
    """
    notes = []
    for (dataset, k), cells in table.dropna(subset=["mean"]).groupby(["dataset", "k"], sort=False):
        trivial = cells["method"].isin(list(controls))
        if trivial.all():
            continue
        best = cells[~trivial].sort_values("mean", kind="stable").iloc[-1]
        # 1e-9: a difference of exactly the margin must not hang on rounding.
        turned = cells["metric"].isin(_RANKING) & (cells["mean"] < 0.5)
        reach = cells["mean"].where(~turned, 1 - cells["mean"])
        near = cells[trivial & (reach >= best["mean"] - MARGIN - 1e-9)]
        if len(near):
            named = ", ".join(_named(cell, titles, turned[at]) for at, cell in near.iterrows())
            notes.append(
                f"Shortcut: on {titles.get(dataset, dataset)} at k = {k} a control comes within "
                f"{100 * MARGIN:.0f} points of the best method, {_named(best, titles)}, or above it: "
                f"{named}. That score says little about lesions."
            )
    return notes


def _named(cell: pd.Series, titles: Mapping[str, str], turned: bool = False) -> str:
    mean = 100 * cell["mean"]
    value = f"{mean:.1f}, or {100 - mean:.1f} the other way round" if turned else f"{mean:.1f}"
    return f"{titles.get(cell['method'], cell['method'])} ({value})"

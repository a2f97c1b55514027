"""Average ranks of methods on a line, and which of them are not told apart (Demsar's diagram)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fusionmedclip.reporting.figures.style import colour, drawing, marker

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_rank_axis", "draw_ranks", "groups_of"]


def groups_of(table: pd.DataFrame) -> list[list[str]]:
    """Methods of each group that is not told apart, in the order of the groups' numbers.

    Parameters
    ----------
    table : DataFrame
        ``method`` and ``cliques``, numbers apart by semicolons.
    """
    groups: dict[int, list[str]] = {}
    for method, numbers in zip(
        table["method"], table["cliques"].astype(object).fillna("").astype(str), strict=True
    ):
        for number in filter(None, numbers.split(";")):
            groups.setdefault(int(number), []).append(method)
    return [groups[number] for number in sorted(groups)]


def draw_ranks(*, tables: Mapping[str, str], titles: Mapping[str, str], folder: str | Path) -> None:
    """Draw ``ranks``, a panel a table.

    Parameters
    ----------
    tables : mapping of table to its ranks
        CSV, see :mod:`fusionmedclip.reporting.comparisons.ranks`.
    titles : mapping
        Of tables and methods.
    folder : path
    """
    ranks = {name: pd.read_csv(path, dtype={"cliques": str}) for name, path in dict(tables).items()}
    most = max(map(len, ranks.values()), default=0)
    with drawing(
        Path(folder, "ranks.png"),
        lines=len(ranks),
        panel=(8.2, 0.9 + 0.1 * most),
        gap=(0, 0.35),
        margins=(0.2, 0.2, 0.3, 0.1),
        title="Average rank, 1 for the best",
        notes=[
            "A bar joins methods whose ranks differ by less than Nemenyi's critical difference (CD, 5 %)."
        ],
        stand_in=any((table["status"] == "stand-in").any() for table in ranks.values()),
    ) as (_, axes):
        for axis, (name, table) in zip(axes[:, 0], ranks.items(), strict=True):
            heading = titles.get(name, name)
            if len(table) < 2:
                axis.axis("off")
                axis.text(0, 0.5, "Fewer than two methods ran in every cell.", transform=axis.transAxes)
            else:
                first = table.iloc[0]
                heading += f" (cells: {first['n']}, data sets: {first['blocks']}, "
                heading += f"CD: {first['critical_difference']:.2f})"
                pairs = dict(zip(table["method"], table["mean_rank"], strict=True))
                draw_rank_axis(axis, pairs, groups_of(table), titles=titles)
            axis.set_title(heading, loc="left")


def draw_rank_axis(
    axis: "Axes", ranks: Mapping[str, float], groups: Sequence[Sequence[str]], *, titles: Mapping[str, str]
) -> None:
    """Draw methods on a line of ranks, best left, with a bar over each group.

    Parameters
    ----------
    axis : Axes
    ranks : mapping of method to average rank
        1 for the best.
    groups : sequence of sequences of str
        Methods that are not told apart; a group of one is left out.
    titles : mapping
    """
    count = len(ranks)
    best_first = sorted(ranks, key=lambda method: (ranks[method], method))
    groups = [group for group in groups if len(group) > 1]
    half = (count + 1) // 2
    lowest = -1.0 - 0.9 * half - 0.4 * len(groups)
    axis.axis("off")
    aside = 0.58 * max(count - 1, 1)  # room for names
    axis.set(xlim=(1 - aside, count + aside), ylim=(lowest, 1.2))
    axis.plot([1, count], [0, 0], color="k", linewidth=1, clip_on=False)
    for rank in range(1, count + 1):
        axis.plot([rank, rank], [0, 0.18], color="k", linewidth=0.8)
        axis.text(rank, 0.3, str(rank), ha="center", va="bottom", fontsize=7)
    for line, group in enumerate(groups):
        ends = [ranks[method] for method in group]
        y = -0.4 * (line + 1)
        axis.plot([min(ends) - 0.04, max(ends) + 0.04], [y, y], color="0.25", linewidth=3)
    start = -0.7 - 0.4 * len(groups)
    for place, method in enumerate(best_first):
        left = place < half
        y = start - 0.9 * (place if left else count - 1 - place)
        end = 1 - 0.06 * count if left else count + 0.06 * count
        axis.plot([ranks[method], ranks[method], end], [0, y, y], color=colour(method), linewidth=1)
        axis.plot([ranks[method]], [0], marker(method), color=colour(method), clip_on=False, zorder=3)
        text = f"{titles.get(method, method)}  {ranks[method]:.2f}"
        beside = end + (-0.03 if left else 0.03) * count
        axis.text(beside, y, text, ha="right" if left else "left", va="center", fontsize=7)

"""What figures of a table's AUROCs share: cells, limits and a panel of one line a method."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fusionmedclip.reporting.figures.style import THESIS, colour, drawing, marker
from fusionmedclip.reporting.status import NOT_RUN, WITHOUT_NUMBER
from fusionmedclip.reporting.tables.grid import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_dot_panels", "draw_dots", "interval", "limits"]


def interval(cells: pd.DataFrame) -> np.ndarray:
    """Reach of each cell's interval below and above its mean, (2, N); 0 where there is none."""
    low, high = cells["mean"] - cells["ci_low"], cells["ci_high"] - cells["mean"]
    return np.nan_to_num(np.stack([low, high]).astype(float)).clip(min=0)


def limits(table: pd.DataFrame) -> tuple[float, float]:
    """AUROC axis that holds every figure, chance included."""
    values = table[["mean", "ci_low", "ci_high", "paper_mean"]].to_numpy(float)
    low = np.nanmin([np.nanmin(values) if np.isfinite(values).any() else 0.5, 0.5])
    return max(0.0, float(low) - 0.04), 1.02


def draw_dot_panels(
    out: Path,
    table: pd.DataFrame,
    *,
    names: Sequence[str],
    labels: Mapping[str, str],
    title: str,
    titles: Mapping[str, str],
    joined: bool,
) -> None:
    """Draw a figure with a panel for each data set and k, and in it a line for each method.

    Parameters
    ----------
    out : Path
    table : DataFrame
        As a table's CSV.
    names : sequence of str
        Methods, from the top.
    labels : mapping
        What stands beside each method's line.
    title : str
        Of the figure; a k that all panels share is put to it.
    titles : mapping
        Of data sets.
    joined : bool
        As in :func:`draw_dots`.
    """
    places = table[["dataset", "k"]].drop_duplicates().to_numpy().tolist()
    several = table["k"].nunique() > 1
    with drawing(
        out,
        columns=len(places),
        panel=(2.3, 0.27 * len(names) + 0.2),
        gap=(0.2, 0),
        margins=(1.75, 0.15, 0.3, 0.45),
        title=title if several else f"{title}, k = {places[0][1]}",
        notes=["Filled: ours, with the 95 % interval of the mean over seeds. Hollow: the thesis's figure."],
        stand_in=bool((table["status"] == "stand-in").any()),
    ) as (_, axes):
        for axis, (dataset, k) in zip(axes[0], places, strict=True):
            cells = table[(table["dataset"] == dataset) & (table["k"] == k)]
            draw_dots(axis, cells, names=names, titles=labels, joined=joined)
            axis.set(xlim=limits(table), xlabel=METRICS.get(cells["metric"].iloc[0]))
            axis.set_title(titles.get(dataset, dataset) + (f", k = {k}" if several else ""))
            if axis is not axes[0, 0]:
                axis.set_yticklabels([])


def draw_dots(
    axis: "Axes", cells: pd.DataFrame, *, names: Sequence[str], titles: Mapping[str, str], joined: bool
) -> None:
    """One line a method from the top: ours filled with its interval, the thesis's hollow.

    Parameters
    ----------
    axis : Axes
    cells : DataFrame
        One data set at one k, a row a method.
    names : sequence of str
        Methods, from the top; one without a row stays empty.
    titles : mapping
    joined : bool
        Whether lines join the dots from method to method, as the steps of an ablation.
    """
    cells = cells.set_index("method").reindex(list(names))
    places = np.arange(len(names))
    if joined:
        axis.plot(cells["mean"], places, color="0.75", linewidth=1, zorder=1)
        axis.plot(cells["paper_mean"], places, color=THESIS, linewidth=0.8, linestyle=":", zorder=1)
    axis.plot(cells["paper_mean"], places, "D", color=THESIS, markerfacecolor="none", zorder=2)
    for place, (name, reach, mean) in enumerate(zip(names, interval(cells).T, cells["mean"], strict=True)):
        if np.isfinite(mean):
            axis.errorbar(
                mean, place, xerr=reach[:, None], fmt=marker(name), color=colour(name), elinewidth=1, zorder=3
            )
        else:
            said = cells["status"].iloc[place] if "status" in cells else NOT_RUN
            said = said if said in WITHOUT_NUMBER else NOT_RUN  # a method without a line was not run
            axis.text(0.01, place, said, transform=axis.get_yaxis_transform(), va="center", fontsize=6)
    axis.axvline(0.5, color="0.8", linewidth=0.7, linestyle=":", zorder=0)
    axis.set_yticks(places, [titles.get(name, name) for name in names])
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", color="0.93", linewidth=0.6)
    axis.set_axisbelow(True)

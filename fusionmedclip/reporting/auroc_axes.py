"""What figures of a table's AUROCs share: cells, limits and a panel of one line a method."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fusionmedclip.reporting.style import THESIS, colour, marker

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["METRICS", "draw_dots", "interval", "limits"]

METRICS = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC"}


def interval(cells: pd.DataFrame) -> np.ndarray:
    """Reach of each cell's interval below and above its mean, (2, N); 0 where there is none."""
    low, high = cells["mean"] - cells["ci_low"], cells["ci_high"] - cells["mean"]
    return np.nan_to_num(np.stack([low, high]).astype(float)).clip(min=0)


def limits(table: pd.DataFrame) -> tuple[float, float]:
    """AUROC axis that holds every figure, chance included."""
    values = table[["mean", "ci_low", "ci_high", "paper_mean"]].to_numpy(float)
    low = np.nanmin([np.nanmin(values) if np.isfinite(values).any() else 0.5, 0.5])
    return max(0.0, float(low) - 0.04), 1.02


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
            axis.text(0.01, place, "not run", transform=axis.get_yaxis_transform(), va="center", fontsize=6)
    axis.axvline(0.5, color="0.8", linewidth=0.7, linestyle=":", zorder=0)
    axis.set_yticks(places, [titles.get(name, name) for name in names])
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", color="0.93", linewidth=0.6)
    axis.set_axisbelow(True)

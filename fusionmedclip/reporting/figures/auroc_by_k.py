"""AUROC against the number of support images, with intervals and the thesis's figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fusionmedclip.reporting.figures.auroc_axes import draw_dot_panels, interval, limits
from fusionmedclip.reporting.figures.style import colour, drawing, marker
from fusionmedclip.reporting.tables.grid import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_auroc_by_k"]


def draw_auroc_by_k(*, tables: Mapping[str, str], titles: Mapping[str, str], folder: str | Path) -> None:
    """Draw ``auroc_by_k_{table}`` of each table whose rows are data sets and k.

    A table with a single k becomes one line a method, without curves.

    Parameters
    ----------
    tables : mapping of table to its CSV
        See :mod:`fusionmedclip.reporting.tables.build`.
    titles : mapping
        Of data sets, tables and methods.
    folder : path
    """
    for name, path in dict(tables).items():
        table = pd.read_csv(path)
        draw = _draw_single if table["k"].nunique() == 1 else _draw_lines
        draw(table, titles, titles.get(name, name), Path(folder, f"auroc_by_k_{name}.png"))


def _draw_single(table: pd.DataFrame, titles: Mapping[str, str], title: str, out: Path) -> None:
    draw_dot_panels(
        out,
        table,
        names=table["method"].drop_duplicates().tolist(),
        labels=titles,
        title=title,
        titles=titles,
        joined=False,
    )


def _draw_lines(table: pd.DataFrame, titles: Mapping[str, str], title: str, out: Path) -> None:
    methods, datasets = (table[column].drop_duplicates().tolist() for column in ("method", "dataset"))
    with drawing(
        out,
        columns=len(datasets),
        panel=(2.7, 2.6),
        gap=(0.25, 0),
        margins=(0.55, 1.6, 0.3, 0.45),
        title=title,
        notes=["Bars: 95 % interval of the mean over seeds. Faint, dotted: the thesis's figures."],
        stand_in=bool((table["status"] == "stand-in").any()),
        share=True,
    ) as (_, axes):
        for axis, dataset in zip(axes[0], datasets, strict=True):
            shots = sorted(table.loc[table["dataset"] == dataset, "k"].unique())
            for place, method in enumerate(methods):
                cells = table[(table["dataset"] == dataset) & (table["method"] == method)].sort_values("k")
                if len(cells):
                    # Bars side by side: apart by a fixed share of k on a logarithmic axis.
                    _draw_method(axis, cells, titles, 1.025 ** (place - (len(methods) - 1) / 2))
            axis.axhline(0.5, color="0.8", linewidth=0.7, linestyle=":", zorder=0)
            axis.set_xscale("log", base=2)
            axis.set_xticks(shots, [str(k) for k in shots])
            axis.minorticks_off()
            axis.set(xlim=(shots[0] / 1.25, shots[-1] * 1.25), xlabel="k, normal support images")
            axis.set_title(titles.get(dataset, dataset))
        axes[0, 0].set(ylim=limits(table), ylabel=METRICS.get(table["metric"].iloc[0]))
        axes[0, -1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _draw_method(axis: "Axes", cells: pd.DataFrame, titles: Mapping[str, str], shift: float) -> None:
    method = cells["method"].iloc[0]
    look: dict[str, Any] = {"color": colour(method), "marker": marker(method)}
    axis.plot(cells["k"] * shift, cells["paper_mean"], **look, linestyle=":", linewidth=0.8, alpha=0.35)
    if cells["mean"].notna().any():
        axis.errorbar(
            cells["k"] * shift,
            cells["mean"],
            yerr=interval(cells),
            label=titles.get(method, method),
            elinewidth=0.9,
            linewidth=2.0 if method == "fusionmedclip" else 1.3,
            **look,
        )
    else:
        label = f"{titles.get(method, method)} ({cells['status'].iloc[0]})"
        axis.plot([], [], **look, linestyle=":", linewidth=0.8, alpha=0.35, label=label)

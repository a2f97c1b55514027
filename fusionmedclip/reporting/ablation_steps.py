"""AUROC row by row of an ablation, ours beside the thesis's."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fusionmedclip.reporting.auroc_axes import METRICS, draw_dots, limits
from fusionmedclip.reporting.style import drawing

__all__ = ["draw_ablation_steps"]


def draw_ablation_steps(*, tables: Mapping[str, str], titles: Mapping[str, str], folder: str | Path) -> None:
    """Draw ``ablation_{table}`` of each table whose rows are methods.

    Parameters
    ----------
    tables : mapping of table to its CSV
        See :mod:`fusionmedclip.reporting.tables`.
    titles : mapping
        Of data sets, tables and methods.
    folder : path
    """
    for name, path in dict(tables).items():
        table = pd.read_csv(path)
        methods = table.sort_values("row", kind="stable")["method"].drop_duplicates().tolist()
        places = table[["dataset", "k"]].drop_duplicates().to_numpy().tolist()
        numbered = {m: f"{row}  {titles.get(m, m)}" for row, m in enumerate(methods, start=1)}
        with drawing(
            Path(folder, f"ablation_{name}.png"),
            columns=len(places),
            panel=(2.3, 0.28 * len(methods) + 0.2),
            gap=(0.2, 0),
            margins=(1.75, 0.15, 0.3, 0.45),
            title=titles.get(name, name),
            notes=[
                "Filled: ours, with the 95 % interval of the mean over seeds. Hollow: the thesis's figure."
            ],
            stand_in=bool((table["status"] == "stand-in").any()),
        ) as (_, axes):
            for axis, (dataset, k) in zip(axes[0], places, strict=True):
                cells = table[(table["dataset"] == dataset) & (table["k"] == k)]
                draw_dots(axis, cells, names=methods, titles=numbered, joined=True)
                axis.set(xlim=limits(table), xlabel=METRICS.get(cells["metric"].iloc[0]))
                axis.set_title(
                    titles.get(dataset, dataset) + (f", k = {k}" if table["k"].nunique() > 1 else "")
                )
                if axis is not axes[0, 0]:
                    axis.set_yticklabels([])

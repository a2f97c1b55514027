"""AUROC row by row of an ablation, ours beside the thesis's."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fusionmedclip.reporting.figures.auroc_axes import draw_dot_panels

__all__ = ["draw_ablation_steps"]


def draw_ablation_steps(*, tables: Mapping[str, str], titles: Mapping[str, str], folder: str | Path) -> None:
    """Draw ``ablation_{table}`` of each table whose rows are methods.

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
        methods = table.sort_values("row", kind="stable")["method"].drop_duplicates().tolist()
        draw_dot_panels(
            Path(folder, f"ablation_{name}.png"),
            table,
            names=methods,
            labels={m: f"{row}  {titles.get(m, m)}" for row, m in enumerate(methods, start=1)},
            title=titles.get(name, name),
            titles=titles,
            joined=True,
        )

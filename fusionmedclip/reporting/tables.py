"""Rows and tables: a long CSV that keeps everything, and the same numbers to read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.metrics import Summary, auroc_over_seeds, summarise
from fusionmedclip.metrics.intervals import t_reach
from fusionmedclip.pipeline.files import write_text
from fusionmedclip.reporting.comparison_text import sentences
from fusionmedclip.reporting.finished import read_metrics, read_scores, status_of
from fusionmedclip.reporting.paper import printed
from fusionmedclip.reporting.status import NOT_RUN
from fusionmedclip.reporting.table_grid import make_grid
from fusionmedclip.reporting.table_html import grid_html, html_page
from fusionmedclip.reporting.table_latex import grid_latex
from fusionmedclip.reporting.table_markdown import grid_markdown

__all__ = ["COLUMNS", "build_row", "build_table", "markdown", "read_table"]

COLUMNS = (
    "table", "row", "dataset", "method", "k", "metric", "mean", "std", "ci_low", "ci_high", "n_seeds",
    "paper_mean", "paper_std", "delta", "backbone", "split", "status",
)  # fmt: skip
"""Columns of a table's CSV: a contract. Means, deviations and intervals are 0-1."""


def build_row(
    *, request: Sequence[Mapping], results: str | Path, manifests: Sequence[str | Path], out: str | Path
) -> None:
    """Write one row of a table, one line a cell.

    Parameters
    ----------
    request : sequence of mappings
        From :func:`fusionmedclip.reporting.rows.row_request`.
    results : path
        Folder that holds ``metrics/`` and ``scores/``.
    manifests : sequence of paths
        ``{dataset}/manifest.csv``, to tell the thesis's data from a subset of them.
    out : path

    Raises
    ------
    InputError
        If a metrics file was made with other settings than today's, or scores are not those behind it.
    """
    lines = [_cell(cell, results, manifests) for cell in request]
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    write_text(out, table.to_csv(index=False, lineterminator="\n"))


def _cell(cell: Mapping, results: str | Path, manifests: Sequence[str | Path]) -> dict:
    paper = printed(cell["table"], cell["dataset"], cell["method"], cell["k"], cell["metric"])
    line = {name: cell[name] for name in COLUMNS if name in cell}
    line |= {"paper_mean": paper and paper.mean, "paper_std": paper and paper.std, "n_seeds": 0}
    records = {run: read_metrics(results, run, wanted) for run, wanted in cell["runs"].items()}
    values = [record["metrics"].get(cell["metric"]) for record in records.values()]
    if not values or None in values:  # nothing ran, or the method defines no such metric (no map)
        return {**line, "status": NOT_RUN}
    summary = summarise(values)
    low, high = _interval(cell, records, summary, results)
    line |= {"mean": summary.mean, "std": summary.std, "ci_low": low, "ci_high": high}
    line |= {"n_seeds": summary.n_seeds, "delta": summary.mean - paper.mean if paper else None}
    return {**line, "status": status_of(cell, manifests)}


def _interval(
    cell: Mapping, records: Mapping[str, Mapping], summary: Summary, results: str | Path
) -> tuple[float | None, float | None]:
    """95 % interval of the mean, within 0-1.

    For the image AUROC over seeds and test images (DeLong covariance between seeds); for other metrics over
    seeds alone, by Student's t; none for a single seed of those.
    """
    if cell["metric"] == "image_auroc":
        found = auroc_over_seeds(*read_scores(results, records))
        low, high = found.low, found.high
    elif summary.std is None:
        return None, None
    else:
        error = summary.std / np.sqrt(summary.n_seeds)
        reach = t_reach(error, level=0.95, degrees=summary.n_seeds - 1)
        low, high = summary.mean - reach, summary.mean + reach
    return max(0.0, float(low)), min(1.0, float(high))


def read_table(path: Path) -> pd.DataFrame:
    """A table's CSV; empty cells are NaN."""
    return pd.read_csv(path)


def build_table(
    *,
    rows: Sequence[str | Path],
    title: str,
    titles: Mapping[str, str],
    layout: str,
    csv: str | Path,
    text: str | Path,
    controls: Sequence[str] = (),
    unranked: Sequence[str] = (),
    latex: str | Path | None = None,
    html: str | Path | None = None,
    comparisons: str | Path | None = None,
) -> None:
    """Put rows together: CSV, Markdown and, where asked for, LaTeX and HTML.

    Parameters
    ----------
    rows : sequence of paths
        In the order printed.
    title : str
    titles : mapping
        Of data sets and methods.
    layout : str
        ``dataset_k`` or ``method``.
    csv, text, latex, html : path
    controls : sequence of str
        Methods that are controls; where one nearly equals the best method, a note below the table says so.
    unranked : sequence of str
        Methods that are never marked as best: those that chose by the test set.
    comparisons : path, optional
        ``{table}_comparisons.csv``; sentences below the table come from it.
    """
    table = pd.concat([pd.read_csv(path) for path in rows], ignore_index=True)
    found = () if comparisons is None else sentences(table, pd.read_csv(comparisons), titles, unranked)
    grid = make_grid(
        table,
        title=title,
        titles=titles,
        layout=layout,
        controls=controls,
        unranked=unranked,
        sentences=found,
    )
    write_text(csv, table.to_csv(index=False, lineterminator="\n"))
    write_text(text, grid_markdown(grid))
    if latex is not None:
        write_text(latex, grid_latex(grid))
    if html is not None:
        write_text(html, html_page(grid_html(grid), title=title))


def markdown(table: pd.DataFrame, **layout) -> str:
    """A table as Markdown; ``layout`` as :func:`fusionmedclip.reporting.table_grid.make_grid` takes it."""
    return grid_markdown(make_grid(table, **layout))

"""One row of a table. No pandas: a row is a job, and starting pandas would be half of it."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from fusionmedclip.metrics import Summary, auroc_over_seeds, summarise
from fusionmedclip.metrics.intervals import t_reach
from fusionmedclip.pipeline.files import write_text
from fusionmedclip.reporting.finished import empty_status, read_cell, read_scores, status_of
from fusionmedclip.reporting.thesis.paper import printed

__all__ = ["COLUMNS", "build_row", "cell_line"]

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
        From :func:`fusionmedclip.reporting.tables.rows.row_request`.
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
    lines = [cell_line(cell, results, manifests) for cell in request]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)  # None is an empty cell, a float all of its digits
    write_text(out, text.getvalue())


def cell_line(cell: Mapping, results: str | Path, manifests: Sequence[str | Path]) -> dict:
    """One cell's columns by name; parameters and errors as :func:`build_row`."""
    paper = printed(cell["table"], cell["dataset"], cell["method"], cell["k"], cell["metric"])
    line = {name: cell[name] for name in COLUMNS if name in cell}
    line |= {"paper_mean": paper and paper.mean, "paper_std": paper and paper.std, "n_seeds": 0}
    records, values = read_cell(cell, results)
    if not values:
        return {**line, "status": empty_status(cell, results)}
    summary = summarise(values)
    low, high = _interval(cell, records, summary, results)
    line |= {"mean": summary.mean, "std": summary.std, "ci_low": low, "ci_high": high}
    line |= {"n_seeds": summary.n_seeds, "delta": summary.mean - paper.mean if paper else None}
    return {**line, "status": status_of(cell, manifests, records.values())}


def _interval(
    cell: Mapping, records: Mapping[str, Mapping], summary: Summary, results: str | Path
) -> tuple[float | None, float | None]:
    """95 % interval of the mean, within 0-1.

    For the image AUROC over seeds and test images (DeLong covariance between seeds); for other metrics over
    seeds alone, by Student's t; none for a single seed of those.
    """
    if cell["metric"] == "image_auroc":
        scored = read_scores(results, records)
        found = auroc_over_seeds(scored.labels, scored.scores)
        low, high = found.low, found.high
    elif summary.std is None:
        return None, None
    else:
        error = summary.std / math.sqrt(summary.n_seeds)
        reach = t_reach(error, level=0.95, degrees=summary.n_seeds - 1)
        low, high = summary.mean - reach, summary.mean + reach
    return max(0.0, float(low)), min(1.0, float(high))

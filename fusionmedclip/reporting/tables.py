"""Rows and tables: a long CSV that keeps everything, and Markdown for reading."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import auroc_over_seeds, summarise
from fusionmedclip.metrics.intervals import t_reach
from fusionmedclip.pipeline.files import read_json, write_text
from fusionmedclip.reporting.controls import control_notes
from fusionmedclip.reporting.paper import THESIS_COUNTS, printed
from fusionmedclip.reporting.status import NOT_RUN, OK, STAND_IN

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
        If a metrics file was made with other settings than today's.
    """
    metrics, scores = Path(results, "metrics"), Path(results, "scores")
    listed = {Path(path).parent.name: Path(path) for path in manifests}
    lines = [_cell(cell, metrics, scores, listed.get(cell["dataset"])) for cell in request]
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    write_text(out, table.to_csv(index=False, lineterminator="\n"))


def _cell(cell: Mapping, metrics: Path, scores: Path, manifest: Path | None) -> dict:
    paper = printed(cell["table"], cell["dataset"], cell["method"], cell["k"], cell["metric"])
    line = {name: cell[name] for name in COLUMNS if name in cell}
    line |= {"paper_mean": paper and paper.mean, "paper_std": paper and paper.std, "n_seeds": 0}
    values = {path: _value(metrics / f"{path}.json", wanted, cell) for path, wanted in cell["runs"].items()}
    if not values or None in values.values():
        return {**line, "status": NOT_RUN}
    summary = summarise(list(values.values()))
    low, high = _interval(cell, list(values), summary, scores)
    line |= {"mean": summary.mean, "std": summary.std, "ci_low": low, "ci_high": high}
    line |= {"n_seeds": summary.n_seeds, "delta": summary.mean - paper.mean if paper else None}
    reasons = list(cell["reasons"])
    if manifest is not None and cell["dataset"] in THESIS_COUNTS:
        labels = pd.read_csv(manifest, usecols=["label"])["label"]
        if (int((labels == 0).sum()), int((labels == 1).sum())) != THESIS_COUNTS[cell["dataset"]]:
            reasons.append("another count of images")
    return {**line, "status": STAND_IN if reasons else OK}


def _value(path: Path, wanted: str, cell: Mapping) -> float | None:
    """The cell's metric of one run; None where the method defines no such metric (no map)."""
    record = read_json(path)
    if record["settings_digest"] != wanted:
        raise InputError(
            f"{path} was made with other settings than the configuration has today",
            received=record["settings_digest"][:12],
            allowed=wanted[:12],
            hint=f"snakemake --forcerun run_method {path}",
        )
    return record["metrics"].get(cell["metric"])


def _interval(cell: Mapping, paths: list[str], summary, scores: Path) -> tuple[float | None, float | None]:
    """95 % interval of the mean, within 0-1.

    For the image AUROC over seeds and test images (DeLong covariance between seeds); for other metrics over
    seeds alone, by Student's t; none for a single seed of those.
    """
    if cell["metric"] == "image_auroc":
        tables = [pd.read_csv(scores / path / "scores.csv", dtype={"image_id": str}) for path in paths]
        found = auroc_over_seeds(tables[0]["label"].to_numpy(), np.stack([t["score"] for t in tables]))
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
) -> None:
    """Put rows together: CSV and Markdown.

    Parameters
    ----------
    rows : sequence of paths
        In the order printed.
    title : str
    titles : mapping
        Of data sets and methods.
    layout : str
        ``dataset_k`` or ``method``.
    csv, text : path
    controls : sequence of str
        Methods that are controls; where one nearly equals the best method, a note below the table says so.
    """
    table = pd.concat([pd.read_csv(path) for path in rows], ignore_index=True)
    write_text(csv, table.to_csv(index=False, lineterminator="\n"))
    write_text(text, markdown(table, title=title, titles=titles, layout=layout, controls=controls))


def markdown(
    table: pd.DataFrame,
    *,
    title: str,
    titles: Mapping[str, str],
    layout: str,
    controls: Sequence[str] = (),
) -> str:
    """A table as Markdown: ours in percent, then the thesis's figure and the difference."""
    if layout == "method":
        index, column = ["row", "method"], ["dataset", "k"]
        head = ["", "Configuration"]
    else:
        index, column = ["dataset", "k"], ["method"]
        head = ["Data set", "k"]
    columns = list(dict.fromkeys(zip(*(table[c] for c in column), strict=True)))
    head += [", ".join(_title(v, titles) for v in c if c and _shown(v, column)) for c in columns]
    lines = [
        f"**{title}** (metric: {_METRICS.get(table['metric'].iloc[0], table['metric'].iloc[0])}, percent)",
        "",
    ]
    lines += ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for key, group in table.groupby(index, sort=False):
        cells = {tuple(r[c] for c in column): r for _, r in group.iterrows()}
        lines.append(
            "| " + " | ".join([_title(v, titles) for v in key] + [_text(cells[c]) for c in columns]) + " |"
        )
    notes = [*_notes(table), *control_notes(table, controls=controls, titles=titles)]
    return "\n".join([*lines, "", *notes]) + "\n"


_METRICS = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC"}


def _shown(value: object, column: list[str]) -> bool:
    return len(column) == 1 or not isinstance(value, int | np.integer)


def _title(value: object, titles: Mapping[str, str]) -> str:
    return titles.get(value, str(value)) if isinstance(value, str) else str(value)


def _text(cell: pd.Series) -> str:
    paper = "" if pd.isna(cell["paper_mean"]) else f"thesis {100 * cell['paper_mean']:.1f}"
    if cell["status"] == NOT_RUN:
        return f"not run ({paper})" if paper else "not run"
    ours = f"{100 * cell['mean']:.1f}"
    if not pd.isna(cell["std"]):
        ours += f" ± {100 * cell['std']:.1f}"
    if paper:
        ours += f" ({paper}, {100 * cell['delta']:+.1f})"
    return ours + (" \\*" if cell["status"] == STAND_IN else "")


def _notes(table: pd.DataFrame) -> list[str]:
    notes = ["Mean ± standard deviation over seeds (divisor n - 1); the thesis's figure and ours minus it."]
    if (table["status"] == STAND_IN).any():
        used = sorted(set(table.loc[table["status"] == STAND_IN, "backbone"]) - {"none"})
        notes.append(
            f"\\* Stand-in: other data, weights or image size than the thesis's ({'; '.join(used)}); "
            "the difference from the thesis says nothing about it."
        )
    return notes

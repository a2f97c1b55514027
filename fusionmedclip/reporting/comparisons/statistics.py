"""What stands behind a table: its methods and the thesis compared, ranks, all other metrics of its runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fusionmedclip.metrics import auroc_draws_over_seeds, summarise
from fusionmedclip.metrics.bootstrap import percentile_ends
from fusionmedclip.pipeline.files import write_text
from fusionmedclip.reporting.comparisons.compare import COMPARED, compare_methods
from fusionmedclip.reporting.comparisons.ranks import rank_table
from fusionmedclip.reporting.comparisons.tested_images import Images, duplicates_of, images_of
from fusionmedclip.reporting.comparisons.verdicts import judge
from fusionmedclip.reporting.finished import read_cell, read_scores, status_of

__all__ = ["METRIC_COLUMNS", "build_statistics", "further_metrics"]

METRIC_COLUMNS = (
    "table", "row", "dataset", "method", "k", "metric", "mean", "std", "bootstrap_low", "bootstrap_high",
    "n_seeds", "backbone", "split", "status", "note",
)  # fmt: skip

WITHOUT_DUPLICATES, DUPLICATES = "image_auroc_without_duplicates", "support_duplicates"

_METRIC_NOTES = {
    WITHOUT_DUPLICATES: "without test images that have a near-duplicate in the support set",
    DUPLICATES: "a count: test images that have a near-duplicate in the support set",
    "image_f1_oracle": "threshold chosen on the test labels: descriptive only",
    "image_sensitivity_at_95_specificity": "threshold at 95 % specificity of the test set: descriptive only",
    "image_brier": "of the scores as they are, not calibrated",
    "image_ece": "of the scores as they are, not calibrated",
    "image_f1": "threshold from left-out support images",
    "image_sensitivity": "threshold from left-out support images",
    "image_specificity": "threshold from left-out support images",
}


def build_statistics(
    *,
    request: Sequence[Mapping],
    results: str | Path,
    manifests: Sequence[str | Path],
    comparisons: str | Path,
    ranks: str | Path,
    metrics: str | Path,
    verdicts: str | Path,
    splits: Sequence[str | Path] = (),
    supports: Sequence[str | Path] = (),
    duplicates: Sequence[str | Path] = (),
    unranked: Sequence[str] = (),
) -> None:
    """Write the four files.

    Parameters
    ----------
    request : sequence of mappings
        Every cell of the table, from :func:`fusionmedclip.reporting.tables.rows.row_request`.
    results : path
        Folder that holds ``metrics/`` and ``scores/``.
    manifests : sequence of paths
        As for :func:`fusionmedclip.reporting.tables.build.build_row`.
    comparisons, ranks, metrics, verdicts : path
        ``{table}_comparisons.csv`` and so on.
    splits, supports, duplicates : sequence of paths
        Of the data sets and runs, as :func:`fusionmedclip.reporting.comparisons.tested_images.images_of`
        takes them.
    unranked : sequence of str
        Methods that chose by the test set; they get no rank.

    Raises
    ------
    InputError
        If metrics were made with other settings than today's, or scores are not those behind the metrics.
    """
    images = images_of(manifests=manifests, splits=splits, supports=supports, duplicates=duplicates)
    cells = [_cell(cell, results, manifests, images.get(cell["dataset"])) for cell in request]
    _write(comparisons, compare_methods(cells))
    _write(ranks, rank_table(cells, unranked=unranked))
    _write(metrics, further_metrics(cells))
    _write(verdicts, judge(cells, images))


def _cell(cell: Mapping, results: str | Path, manifests: Sequence[str | Path], images: Images | None) -> dict:
    records, values = read_cell(cell, results)
    found = {**cell, "records": records, "mean": None, "status": status_of(cell, manifests, records.values())}
    found |= {"values": values, "pool": images and images.pool, "duplicates": None}
    if not values:
        return found
    scored = read_scores(results, records)
    draws = auroc_draws_over_seeds(scored.labels, scored.scores)
    if images is not None:
        seeds = [int(run.rpartition("seed")[2]) for run in records]
        found["duplicates"] = duplicates_of(images, scored, k=cell["k"], seeds=seeds)
    return {
        **found,
        "mean": summarise(values).mean,
        "labels": scored.labels,
        "scores": scored.scores,
        "draws": draws,
    }


def further_metrics(cells: Sequence[Mapping]) -> pd.DataFrame:
    """Every metric that all runs of a cell have, long: one line a cell and metric.

    Image AUROC has a 95 % bootstrap interval over seeds and test images.
    """
    lines = []
    for cell in cells:
        records = [record["metrics"] for record in cell["records"].values()]
        names = sorted(set.intersection(*(set(record) for record in records))) if records else []
        for name in names:
            summary = summarise([record[name] for record in records])
            line = {column: cell[column] for column in METRIC_COLUMNS if column in cell}
            if name == COMPARED:
                low, high = percentile_ends(cell["draws"], 0.95)
                line |= {"bootstrap_low": low, "bootstrap_high": high}
            note = _METRIC_NOTES.get(name, "")
            lines.append({**line, "metric": name, **summary._asdict(), "note": note})
        lines += _duplicate_lines(cell)
    return pd.DataFrame(lines, columns=list(METRIC_COLUMNS))


def _duplicate_lines(cell: Mapping) -> list[dict]:
    found = cell["duplicates"]
    if found is None:
        return []
    line = {column: cell[column] for column in METRIC_COLUMNS if column in cell}
    values = {WITHOUT_DUPLICATES: found.aurocs, DUPLICATES: found.counts}
    return [
        {**line, "metric": name, **summarise(each)._asdict(), "note": _METRIC_NOTES[name]}
        for name, each in values.items()
        if each
    ]


def _write(path: str | Path, table: pd.DataFrame) -> None:
    write_text(path, table.to_csv(index=False, lineterminator="\n"))

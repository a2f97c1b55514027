"""A table with the record of what it was made from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fusionmedclip.reporting.tables.build import build_table
from fusionmedclip.reporting.tables.inputs import write_record

__all__ = ["write_table"]


def write_table(
    *,
    results: str | Path,
    request: Sequence[Mapping[str, Any]],
    look: Mapping[str, Any],
    rows: Sequence[str | Path],
    metrics: Sequence[str | Path],
    scores: Sequence[str | Path],
    manifests: Sequence[str | Path],
    splits: Sequence[str | Path],
    supports: Sequence[str | Path],
    comparisons: str | Path,
    ranks: str | Path,
    further: str | Path,
    verdicts: str | Path,
    record: str | Path,
    files: Sequence[str | Path],
    duplicates: Sequence[str | Path] = (),
) -> None:
    """Build a table in every format, and write ``{table}.inputs.json`` beside them.

    Parameters
    ----------
    results : path
        Folder that all files lie in.
    request : sequence of mappings
        Its cells, see :func:`fusionmedclip.reporting.tables.rows.table_request`.
    look : mapping
        From :func:`fusionmedclip.reporting.tables.asked.table_layout`.
    rows, metrics, manifests, comparisons, further, verdicts, files
        As for :func:`fusionmedclip.reporting.tables.build.build_table`.
    scores, splits, supports, duplicates : sequences of paths
        What rows and statistics were made from beside them.
    ranks : path
        ``{table}_ranks.csv``.
    record : path
        ``{table}.inputs.json``.
    """
    build_table(
        rows=rows,
        manifests=manifests,
        metrics=metrics,
        comparisons=comparisons,
        further=further,
        verdicts=verdicts,
        files=files,
        **look,
    )
    write_record(
        record,
        results=results,
        request=request,
        layout=look,
        inputs=[*metrics, *scores, *manifests, *splits, *supports, *duplicates],
        outputs=[*rows, comparisons, ranks, further, verdicts, *files],
    )

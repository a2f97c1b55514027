"""Tables from their rows: a long CSV that keeps everything, and the same numbers to read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fusionmedclip.pipeline.files import read_json, write_text
from fusionmedclip.reporting.comparisons.duplicate_text import duplicate_lines
from fusionmedclip.reporting.comparisons.text import sentences
from fusionmedclip.reporting.comparisons.verdict_text import verdict_lines
from fusionmedclip.reporting.status import OK, WITHOUT_NUMBER, scoped
from fusionmedclip.reporting.tables.formats import printed
from fusionmedclip.reporting.tables.grid import make_grid
from fusionmedclip.reporting.tables.labelled_notes import labelled_lines
from fusionmedclip.reporting.tables.markdown import grid_markdown
from fusionmedclip.reporting.tables.mixed_runs import mixed_lines
from fusionmedclip.reporting.tables.row import COLUMNS, build_row
from fusionmedclip.reporting.thesis.images import caption_notes, caption_reasons, image_notes, image_reasons

__all__ = ["COLUMNS", "build_row", "build_table", "markdown", "read_table"]


def read_table(path: Path) -> pd.DataFrame:
    """A table's CSV; empty cells are NaN."""
    return pd.read_csv(path)


def build_table(
    *,
    rows: Sequence[str | Path],
    title: str,
    titles: Mapping[str, str],
    layout: str,
    files: Sequence[str | Path],
    controls: Sequence[str] = (),
    unranked: Sequence[str] = (),
    reasons: Sequence[tuple[str, str, Sequence[str]]] = (),
    manifests: Sequence[str | Path] = (),
    metrics: Sequence[str | Path] = (),
    ours: Mapping[str, str] | None = None,
    labelled: Sequence[str] = (),
    without_support: Sequence[str] = (),
    comparisons: str | Path | None = None,
    further: str | Path | None = None,
    verdicts: str | Path | None = None,
) -> None:
    """Put rows together, and write them in the formats that are asked for.

    Parameters
    ----------
    rows : sequence of paths
        In the order printed.
    title : str
    titles : mapping
        Of data sets and methods.
    layout : str
        ``dataset_k`` or ``method``.
    files : sequence of paths
        What to write: a ``.csv``, and files of :data:`fusionmedclip.reporting.tables.formats.FORMATS`.
    controls : sequence of str
        Methods that are controls; where one nearly equals the best method, a note below the table says so.
    unranked : sequence of str
        Methods that are never marked as best: those that chose by the test set.
    reasons : sequence of (data set, method, texts)
        From :func:`fusionmedclip.reporting.tables.rows.stand_in_reasons`, of every method of the table.
    manifests : sequence of paths
        As for :func:`fusionmedclip.reporting.tables.row.build_row`.
    metrics : sequence of paths
        Metrics files of its runs.
    ours : mapping
        Methods that leave open what the table's metric is of, and what we take.
    labelled : sequence of str
        Methods that learn from labels of other data sets.
    without_support : sequence of str
        Methods that look at no support image; where no other ran, nothing is said of support sets.
    comparisons : path, optional
        ``{table}_comparisons.csv``; sentences below the table come from it.
    further : path, optional
        ``{table}_metrics.csv``; what is said of near-duplicates comes from it.
    verdicts : path, optional
        ``{table}_verdicts.csv``; colours, marks and sentences on the thesis's figures come from it.
    """
    table = pd.concat([pd.read_csv(path) for path in rows], ignore_index=True)
    ran = table.loc[~table["status"].isin(WITHOUT_NUMBER), "method"]
    supports = not ran.isin(list(without_support)).all()
    judged = None if verdicts is None else pd.read_csv(verdicts)
    beneath = {
        **_protocol_notes(table, reasons=reasons, manifests=manifests, metrics=metrics, titles=titles),
        "Does it replicate the thesis?": [] if judged is None else verdict_lines(judged, titles),
        "Near-duplicates across support set and test": (
            [] if further is None or not supports else duplicate_lines(pd.read_csv(further), titles)
        ),
        "Can the best two be told apart?": (
            []
            if comparisons is None
            else sentences(table, pd.read_csv(comparisons), titles, unranked, supports=supports)
        ),
    }
    named = {"title": title, "titles": titles, "layout": layout, "ours": ours}
    look: dict[str, Any] = {**named, "controls": controls, "unranked": unranked}
    look["apart"] = labelled_lines(metrics, labelled, titles)
    grid = make_grid(table, **look, beneath=beneath, verdicts=judged)
    for path in map(Path, files):
        is_csv = path.suffix == ".csv"
        write_text(
            path, table.to_csv(index=False, lineterminator="\n") if is_csv else printed(grid, path.suffix)
        )


def _protocol_notes(
    table: pd.DataFrame,
    *,
    reasons: Sequence[tuple[str, str, Sequence[str]]],
    manifests: Sequence[str | Path],
    metrics: Sequence[str | Path],
    titles: Mapping[str, str],
) -> dict[str, list[str]]:
    """What the runs were made from and on, beside the thesis's protocol."""
    records = _records(metrics)
    return {
        "In place of the thesis's protocol": _differences(table, reasons, manifests, records, titles),
        "What is not known of the data": _unknown(table, manifests, records, titles),
        "Seeds of one cell that were not computed alike": mixed_lines(metrics, titles),
    }


def _differences(
    table: pd.DataFrame,
    reasons: Sequence[tuple[str, str, Sequence[str]]],
    manifests: Sequence[str | Path],
    records: Mapping[tuple[str, str], Mapping],
    titles: Mapping[str, str],
) -> list[str]:
    """What of the table's stand-ins is not the thesis's protocol."""
    status = table.groupby(["dataset", "method"], sort=False)["status"].first()
    held = {(dataset, method): texts for dataset, method, texts in reasons}
    cells = [cell for cell, said in status.items() if said not in WITHOUT_NUMBER]
    found = {
        cell: [
            *held.get(cell, ()),
            *image_reasons(cell[0], manifests),
            *caption_reasons(records.get(cell, {})),
        ]
        for cell in cells
    }
    return scoped(found, titles)


def _unknown(
    table: pd.DataFrame,
    manifests: Sequence[str | Path],
    records: Mapping[tuple[str, str], Mapping],
    titles: Mapping[str, str],
) -> list[str]:
    """What cannot be said of the data behind cells that are ``ok``."""
    good = table[table["status"] == OK]
    cells = [records.get(cell, {}) for cell in zip(good["dataset"], good["method"], strict=True)]
    sets = [
        note
        for name in good["dataset"].unique()
        for note in image_notes(name, manifests, title=titles.get(name, name))
    ]
    return list(dict.fromkeys([*sets, *(note for record in cells for note in caption_notes(record))]))


def _records(metrics: Sequence[str | Path]) -> dict[tuple[str, str], dict]:
    """Metrics file of one run of each data set and method; they share their captions."""
    one = {(Path(path).parents[3].name, Path(path).parents[1].name): path for path in metrics}
    return {cell: read_json(path) for cell, path in one.items()}


def markdown(table: pd.DataFrame, **layout) -> str:
    """A table as Markdown; ``layout`` as :func:`fusionmedclip.reporting.tables.grid.make_grid` takes it."""
    return grid_markdown(make_grid(table, **layout))

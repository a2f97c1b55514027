"""A table as it is printed, before any format: lines of cells, which are best, what stands beneath.

Every number is one of the table's CSV, in percent with one decimal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from fusionmedclip.reporting.status import NO_LESIONS, NOT_RUN, STAND_IN, WITHOUT_NUMBER
from fusionmedclip.reporting.tables.control_notes import control_notes
from fusionmedclip.reporting.thesis.contradictions import flags_of

__all__ = ["METRICS", "Grid", "GridCell", "make_grid", "percent", "places"]

METRICS = {
    "image_auroc": "image AUROC",
    "image_ap": "image AP",
    "pixel_auroc": "pixel AUROC",
    "pixel_ap": "pixel AP",
    "pixel_aupro": "pixel AUPRO",
}


@dataclass(frozen=True, kw_only=True)
class GridCell:
    """One cell, its numbers as printed.

    Attributes
    ----------
    mean, std : str
        Ours; empty where not run, or where one seed has no deviation.
    thesis, thesis_std, difference : str
        Empty where the thesis prints nothing; the difference also where we ran nothing.
    status : str
        As in the CSV.
    place : int
        1 best, 2 second of its data set and k, 0 neither.
    verdict, interval : str
        ``within`` where the 95 % interval of the difference holds zero, else ``above`` or ``below``, and the
        interval in words; empty where nothing may be said.
    flags : tuple of int
        Numbers of the notes on what the thesis prints here.
    address : (str, str, str, int)
        Table, data set, method and k, as ``fusionmedclip trace`` takes them.
    """

    mean: str = ""
    std: str = ""
    thesis: str = ""
    thesis_std: str = ""
    difference: str = ""
    status: str = NOT_RUN
    place: int = 0
    verdict: str = ""
    interval: str = ""
    flags: tuple[int, ...] = ()
    address: tuple[str, str, str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table to be printed.

    Attributes
    ----------
    name, title, metric : str
    labels : tuple of str
        Heads of the columns that name a line.
    heads : tuple of str
        Heads of the columns with numbers.
    lines : tuple of (labels, cells)
    apart : tuple of str
        Why its figures do not compare with other tables'.
    notes : tuple of str
        How to read it.
    flags : tuple of str
        Notes on the thesis's figures, numbered from 1.
    beneath : tuple of (title, lines)
        Lists that stand beneath, in their order; none is empty.
    ranked : bool
        Whether any cell is marked as best.
    judged : bool
        Whether any cell may be held against the thesis's.
    """

    name: str
    title: str
    metric: str
    labels: tuple[str, ...]
    heads: tuple[str, ...]
    lines: tuple[tuple[tuple[str, ...], tuple[GridCell, ...]], ...]
    apart: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())
    flags: tuple[str, ...] = field(default=())
    beneath: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())
    ranked: bool = False
    judged: bool = False


def percent(value: float, *, sign: bool = False) -> str:
    """A 0-1 number in percent with one decimal; empty for NaN. A zero has no sign.

    >>> percent(0.9153), percent(-0.0149, sign=True), percent(-0.0001, sign=True)
    ('91.5', '-1.5', '0.0')
    """
    if pd.isna(value):
        return ""
    shown = f"{100 * value:+.1f}" if sign else f"{100 * value:.1f}"
    return shown if float(shown) else "0.0"


def places(table: pd.DataFrame, unranked: Sequence[str] = ()) -> dict[int, int]:
    """Best and second of each data set and k, by the mean as printed: index of the table to 1 or 2.

    Equal printed means share a place, and two that share the first leave no second. A group in which fewer
    than two methods ran has no best. ``unranked`` methods (those that chose by the test set) get no place.
    """
    ran = table[table["mean"].notna() & ~table["method"].isin(list(unranked))]
    found: dict[int, int] = {}
    for _, group in ran.groupby(["dataset", "k"], sort=False):
        if len(group) < 2:
            continue
        rank = group["mean"].map(lambda mean: float(percent(mean))).rank(ascending=False, method="min")
        found |= {index: int(place) for index, place in rank.items() if place <= 2}
    return found


def make_grid(
    table: pd.DataFrame,
    *,
    title: str,
    titles: Mapping[str, str],
    layout: str,
    controls: Sequence[str] = (),
    unranked: Sequence[str] = (),
    ours: Mapping[str, str] | None = None,
    apart: Sequence[str] = (),
    beneath: Mapping[str, Sequence[str]] | None = None,
    verdicts: pd.DataFrame | None = None,
) -> Grid:
    """Lay a table out.

    Parameters
    ----------
    table : DataFrame
        As the table's CSV.
    title : str
    titles : mapping
        Of data sets and methods.
    layout : str
        ``dataset_k`` (a line a data set and k) or ``method`` (a line a method; the title tells the only k).
    controls : sequence of str
        Methods that are controls; see :func:`fusionmedclip.reporting.tables.control_notes.control_notes`.
    unranked : sequence of str
        Methods that are never marked as best.
    ours : mapping
        Methods that leave open what the table's metric is of, and what we take.
    apart : sequence of str
        From :func:`fusionmedclip.reporting.tables.labelled_notes.labelled_lines`.
    verdicts : DataFrame
        ``{table}_verdicts.csv``, of the cells that may be held against the thesis.
    beneath : mapping
        Title to lines of the lists that stand beneath, in their order.
    """
    if layout == "method":
        line, column, labels = ["row", "method"], ["dataset", "k"], ("", "Configuration")
    else:
        line, column, labels = ["dataset", "k"], ["method"], ("Data set", "k")
    place, lines = places(table, unranked), []
    flags: dict[str, int] = {}
    judged = {} if verdicts is None else _judged(verdicts)
    columns = list(dict.fromkeys(zip(*(table[name] for name in column), strict=True)))
    for key, group in table.groupby(line, sort=False):
        found = {
            tuple(row[name] for name in column): _cell(row, place.get(index, 0), flags, judged)
            for index, row in group.iterrows()
        }
        lines.append((tuple(_named(v, titles) for v in key), tuple(found[c] for c in columns)))
    shots = table["k"].nunique() > 1
    if layout == "method" and not shots:
        title = f"{title}, k = {table['k'].iloc[0]}"
    metric = table["metric"].iloc[0]
    cells = [cell for _, row in lines for cell in row]
    return Grid(
        name=str(table["table"].iloc[0]),
        title=title,
        metric=METRICS.get(metric, str(metric)),
        labels=labels,
        heads=tuple(_head(c, titles, shots=shots) for c in columns),
        lines=tuple(lines),
        apart=tuple(apart),
        notes=(
            *_notes(table, cells, titles),
            *_ours_notes(table, ours or {}, titles),
            *control_notes(table, controls=controls, titles=titles),
        ),
        flags=tuple(flags),
        beneath=tuple((title, tuple(said)) for title, said in (beneath or {}).items() if said),
        ranked=any(cell.place for cell in cells),
        judged=any(cell.verdict for cell in cells),
    )


def _judged(verdicts: pd.DataFrame) -> dict[tuple, dict[str, str]]:
    """Verdict and interval of each cell that has them."""
    return {
        (line["dataset"], line["method"], line["k"]): {
            "verdict": line["verdict"],
            "interval": f"{percent(line['ci_low'], sign=True)} to {percent(line['ci_high'], sign=True)}",
        }
        for _, line in verdicts[verdicts["p"].notna()].iterrows()
    }


def _cell(
    row: pd.Series, place: int, flags: dict[str, int], judged: Mapping[tuple, dict[str, str]]
) -> GridCell:
    said = flags_of(row["table"], row["dataset"], row["method"], row["k"])
    for note in said:
        flags.setdefault(note, len(flags) + 1)
    thesis: dict[str, Any] = {"thesis": percent(row["paper_mean"]), "thesis_std": percent(row["paper_std"])}
    numbers = tuple(sorted(flags[note] for note in said))
    thesis["address"] = (row["table"], row["dataset"], row["method"], int(row["k"]))
    verdict: dict[str, Any] = dict(judged.get((row["dataset"], row["method"], row["k"]), {}))
    if row["status"] in WITHOUT_NUMBER:
        return GridCell(**thesis, flags=numbers, status=row["status"])
    return GridCell(
        mean=percent(row["mean"]),
        std=percent(row["std"]),
        **thesis,
        difference=percent(row["delta"], sign=True),
        status=row["status"],
        place=place,
        **verdict,
        flags=numbers,
    )


def _head(column: tuple, titles: Mapping[str, str], *, shots: bool) -> str:
    name = _named(column[0], titles)
    return f"{name}, k = {column[1]}" if len(column) == 2 and shots else name


def _named(value: object, titles: Mapping[str, str]) -> str:
    return titles.get(value, str(value)) if isinstance(value, str) else str(value)


def _notes(table: pd.DataFrame, cells: Sequence[GridCell], titles: Mapping[str, str]) -> list[str]:
    several = bool((table["n_seeds"] > 1).any()) if "n_seeds" in table else True
    note = "Mean ± standard deviation over seeds (divisor n - 1)" if several else "One seed"
    if any(cell.thesis for cell in cells):
        note += "; the thesis's figure and ours minus it"
    notes = [note + "."]
    if (table["status"] == STAND_IN).any():
        notes.append(
            "* Stand-in: not made by the thesis's protocol (listed beneath); the difference from its figure "
            "says nothing about the thesis."
        )
    without = table.loc[table["status"] == NO_LESIONS, "dataset"].unique()
    if len(without):
        sets = ", ".join(_named(dataset, titles) for dataset in without)
        notes.append(
            f"No lesion mask: no tested image of {sets} has a lesion pixel in its mask, so nothing is said "
            "of maps; fusionmedclip check tells what the masks look like."
        )
    return notes


def _ours_notes(table: pd.DataFrame, ours: Mapping[str, str], titles: Mapping[str, str]) -> list[str]:
    """One note on what stands for outputs that methods leave open."""
    said = [f"{_named(method, titles)}: {ours[method]}" for method in _ran(table) if method in ours]
    return [f"Not defined by the method itself, ours. {'; '.join(said)}."] if said else []


def _ran(table: pd.DataFrame) -> pd.Series:
    return table.loc[~table["status"].isin(WITHOUT_NUMBER), "method"].drop_duplicates()

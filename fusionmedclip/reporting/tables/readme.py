"""The README's table: recorded from finished results, and printed from the record alone.

``make readme`` runs ``python -m fusionmedclip.reporting.tables.readme results/demo --preset demo``.
"""

import argparse
import io
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fusionmedclip.config import load_config
from fusionmedclip.errors import InputError
from fusionmedclip.machine import machine_line
from fusionmedclip.reporting.tables.grid import make_grid
from fusionmedclip.reporting.tables.markdown import grid_markdown

__all__ = ["readme_section", "record_table", "stale_cells", "write_section"]

ELSEWHERE = 3.0
"""Points by which another machine's figures may differ; docs/digits.md saw up to two on the demo."""
_NOTE = re.compile(r" †\d+")
"""Marks of notes that stand below the table itself."""

START, END = "<!-- table of {record}: make readme -->", "<!-- end of the table -->"


def record_table(results: Path, table: str, preset: str) -> dict[str, Any]:
    """What the README's table is printed from.

    Parameters
    ----------
    results : Path
        Folder of finished results.
    table : str
        Of the configuration.
    preset : str
        Configuration that the results were made by; titles come from it.

    Returns
    -------
    dict
        ``table`` and ``title``, ``layout``, ``titles`` of methods and data sets, ``rows`` (the table's CSV)
        and ``made``: commits, machines and torch of its runs.
    """
    file = results / "tables" / f"{table}.csv"
    if not file.is_file():
        raise InputError("no such table has been made", received=str(file), hint="make demo")
    config = load_config(preset=preset)
    rows = pd.read_csv(file)
    made = []
    for path in sorted((results / "metrics").rglob("*.json")):
        record = json.loads(path.read_text())
        if _is_of(record["settings"], rows):
            made.append(record["provenance"])
    if not made:
        raise InputError("no metrics lie behind this table", received=str(results / "metrics"))
    if not all("machine" in p for p in made):
        raise InputError(
            "these results do not say which machine made them", received=str(results), hint="make demo"
        )
    commits = {(p["commit"] or "outside a checkout")[:10] + (", changed" if p["dirty"] else "") for p in made}
    return {
        "table": table,
        "title": config.data["tables"][table]["title"],
        "layout": config.data["tables"][table]["rows"],
        "titles": {
            **{name: config.method(name)["title"] for name in rows["method"].unique()},
            **{name: config.dataset(name)["title"] for name in rows["dataset"].unique()},
        },
        "rows": file.read_text().splitlines(),
        "made": {
            "commits": sorted(commits),
            "machines": sorted({machine_line(p["machine"]) for p in made}),
            "torch": sorted({p["packages"]["torch"] for p in made}),
        },
    }


def _is_of(settings: Mapping[str, Any], rows: pd.DataFrame) -> bool:
    same = (rows["dataset"] == settings["dataset"]) & (rows["method"] == settings["method"]["name"])
    return bool((same & (rows["k"] == settings["k"]) & (rows["split"] == settings["split"])).any())


def readme_section(record: Mapping[str, Any]) -> str:
    """Lines of the table, and what it was made on, as Markdown."""
    rows = pd.read_csv(io.StringIO("\n".join(record["rows"])))
    grid = make_grid(rows, title=record["title"], titles=record["titles"], layout=record["layout"])
    lines = [_NOTE.sub("", line) for line in grid_markdown(grid).splitlines() if line.startswith("|")]
    made = record["made"]
    torch, machines = ", ".join(made["torch"]), " and ".join(made["machines"])
    said = f"Made with torch {torch} on {machines}; another machine gives other digits"
    return "\n".join([*lines, "", f"{said} ([docs/digits.md](docs/digits.md))."])


def stale_cells(record: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Cells of a recorded table that results of today contradict.

    Parameters
    ----------
    record, now : mapping
        From :func:`record_table`: what the README was printed from, and what finished results give.

    Returns
    -------
    list of str
        Empty where the same cells hold the same figures as printed; from another machine or torch, figures
        within :data:`ELSEWHERE` points.
    """
    keys = ["row", "dataset", "method", "k", "metric"]
    first, second = (
        pd.read_csv(io.StringIO("\n".join(each["rows"]))).set_index(keys) for each in (record, now)
    )
    names = {key: " ".join(map(str, key)) for key in first.index.union(second.index)}
    found = [f"{names[key]}: only in one of them" for key in first.index.symmetric_difference(second.index)]
    places = ("machines", "torch")
    limit = 0.05 if all(record["made"][key] == now["made"][key] for key in places) else ELSEWHERE
    for key in first.index.intersection(second.index):
        before, after = 100 * first.loc[key, "mean"], 100 * second.loc[key, "mean"]
        if not abs(after - before) < limit:
            found.append(f"{names[key]}: {before:.1f} in the record, {after:.1f} now")
    return found


def write_section(readme: Path, record_file: str, section: str) -> None:
    """Put a section between its marks in a Markdown file.

    Raises
    ------
    InputError
        If the file has no such marks.
    """
    start, text = START.format(record=record_file), readme.read_text()
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(END)
    if not found or not closed:
        raise InputError(
            f"{readme} has no marks for this table", received=start, allowed=f"{start} ... {END}"
        )
    readme.write_text(f"{before}{start}\n{section}\n{END}{after}")


def main() -> None:
    """Record a table of results and print it into the README."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--table", default="table8")
    parser.add_argument("--preset", default="demo")
    parser.add_argument("--record", type=Path, default=Path("docs/demo_table8.json"))
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 if it is stale")
    options = parser.parse_args()
    record = record_table(options.results, options.table, options.preset)
    if options.check:
        stale = stale_cells(json.loads(options.record.read_text()), record)
        print(
            "\n".join([*stale, "run make readme"])
            if stale
            else "the README's table is the one of these results"
        )
        sys.exit(bool(stale))
    options.record.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    write_section(options.readme, options.record.as_posix(), readme_section(record))


if __name__ == "__main__":
    main()

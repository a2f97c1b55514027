"""From a printed number back to the files, settings and hashes it came from, computing it again."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import PixelCounts, image_metrics, pixel_metrics
from fusionmedclip.pipeline.files import read_json
from fusionmedclip.provenance import digest, file_sha256
from fusionmedclip.reporting.tables.inputs import SUFFIX, read_record
from fusionmedclip.reporting.tables.row import COLUMNS, cell_line
from fusionmedclip.reporting.verification.compare import csv_difference, difference
from fusionmedclip.reporting.verification.run_files import RunFiles

__all__ = ["Trace", "TracedRun", "trace_cell"]


@dataclass(frozen=True, kw_only=True)
class TracedRun:
    """One run behind a number.

    Attributes
    ----------
    metrics : Path
        Its metrics file.
    record : dict
        What that file says.
    printed, recomputed : float
        The metric in the file, and computed again from the scores.
    inputs : dict
        File, where it lies today, to its recorded hash.
    changed : tuple of str
        Those of them that are missing or no longer have that hash.
    settings_hold : bool
        Whether the recorded settings have the recorded digest, and that which the table asked for.
    """

    metrics: Path
    record: dict[str, Any]
    printed: float
    recomputed: float | None
    inputs: dict[str, str]
    changed: tuple[str, ...]
    settings_hold: bool

    @property
    def holds(self) -> bool:
        """Whether its own figure is met again, and nothing has changed."""
        met = not difference(self.printed, self.recomputed)
        return met and self.settings_hold and not self.changed


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A number of a table and the runs that it is the mean of.

    Attributes
    ----------
    cell : dict
        The table's line.
    runs : list of TracedRun
    missing, added : tuple of str
        Metrics files that the table was made from and that are not there, and the other way round.
    column : str
        The first of the line's columns that its runs do not give, in words; empty where all are met.
    """

    cell: dict[str, Any]
    runs: list[TracedRun]
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    column: str = ""

    @property
    def recomputed_mean(self) -> float:
        """Mean over the runs, computed again from their scores."""
        return float(np.mean([run.recomputed for run in self.runs])) if self.runs else float("nan")

    @property
    def holds(self) -> bool:
        """Whether every number is met again, from the runs that the table was made from, none changed."""
        same = not difference(self.recomputed_mean, float(self.cell["mean"]))
        whole = not (self.missing or self.added or self.column)
        return same and whole and all(run.holds for run in self.runs)


def trace_cell(results: Path, table: str, dataset: str, method: str, k: int) -> Trace:
    """Trace one cell of a table.

    Parameters
    ----------
    results : Path
        Folder of results, wherever it lies today.
    table, dataset, method : str
        Identifiers, for example ``table6``, ``brainmri``, ``patchcore``.
    k : int

    Raises
    ------
    InputError
        If there is no such table or cell, or it was not run.
    """
    cell = _cell(results, table, dataset, method, k)
    folder = f"metrics/{dataset}/{cell['split']}/{method}/k{k}"
    there = [path.relative_to(results).as_posix() for path in (results / folder).glob("seed*.json")]
    asked = _asked(results / "tables" / f"{table}{SUFFIX}", cell)
    wanted = (
        {RunFiles(run).metrics: sha for run, sha in asked["runs"].items()} if asked else dict.fromkeys(there)
    )
    order = sorted(wanted, key=lambda name: int(Path(name).stem.removeprefix("seed")))
    sha_of = cache(_sha)  # manifest, split and backbone are the same for all
    found = {name: _trace_run(results, name, wanted[name], cell["metric"], sha_of) for name in order}
    runs = [run for run in found.values() if run is not None]
    return Trace(
        cell=cell,
        runs=runs,
        missing=tuple(name for name, run in found.items() if run is None),
        added=tuple(sorted(set(there) - set(wanted))),
        column=_column(results, table, cell, runs, asked),
    )


def _cell(results: Path, table: str, dataset: str, method: str, k: int) -> dict[str, Any]:
    path = results / "tables" / f"{table}.csv"
    if not path.is_file():
        made = sorted(p.stem for p in (results / "tables").glob("*.csv"))
        raise InputError("no such table", received=str(path), allowed=", ".join(made) or "none was made yet")
    frame = pd.read_csv(path)
    found = frame[(frame["dataset"] == dataset) & (frame["method"] == method) & (frame["k"] == k)]
    if found.empty:
        raise InputError(
            f"{table} has no such cell",
            received=f"{dataset} {method} {k}",
            allowed="; ".join(
                f"{name}: {', '.join(map(str, sorted(frame[name].unique())))}"
                for name in ("dataset", "method", "k")
            ),
        )
    cell = found.iloc[0].to_dict()
    if not cell["n_seeds"]:
        raise InputError(f"{table} {dataset} {method} {k} was not run, so it has no source")
    return cell


def _asked(path: Path, cell: Mapping[str, Any]) -> dict[str, Any] | None:
    """The cell as the table's record has it; None where there is no record, and the folder must do."""
    if not path.is_file():
        return None
    keys = ("dataset", "method", "k", "metric")
    wanted = [cell[key] for key in keys]
    alike = [asked for asked in read_record(path).request if [asked[key] for key in keys] == wanted]
    if not alike:
        raise InputError("a table's record does not have its cell", received=str(path))
    return alike[0]


def _sha(path: Path) -> str | None:
    return file_sha256(path) if path.is_file() else None


def _trace_run(
    results: Path, name: str, wanted: str | None, metric: str, sha_of: Callable[[Path], str | None]
) -> TracedRun | None:
    if not (results / name).is_file():
        return None
    record = read_json(results / name)
    if metric not in record["metrics"]:
        return None
    files = RunFiles(name.removeprefix("metrics/").removesuffix(".json"))
    recorded = files.located(record["provenance"]["inputs"])
    inputs = {str(results / file): sha for file, sha in recorded.items()}
    said = record["settings_digest"]
    return TracedRun(
        metrics=results / name,
        record=record,
        printed=record["metrics"][metric],
        recomputed=_recompute(results, files, metric),
        inputs=inputs,
        changed=tuple(file for file, sha in inputs.items() if sha_of(Path(file)) != sha),
        settings_hold=digest(record["settings"]) == said == (wanted or said),
    )


def _recompute(results: Path, files: RunFiles, metric: str) -> float | None:
    """The metric from scores or pixel counts; NaN where these are not there or are damaged."""
    try:
        if metric.startswith("pixel"):
            return pixel_metrics(PixelCounts.load(results / files.pixel_counts))[metric]
        table = pd.read_csv(results / files.scores, dtype={"image_id": str})
        return image_metrics(table["label"].to_numpy(), table["score"].to_numpy())[metric]
    except (OSError, ValueError, KeyError):
        return float("nan")


def _column(
    results: Path, table: str, cell: Mapping[str, Any], runs: list[TracedRun], asked: dict[str, Any] | None
) -> str:
    """What of the table's line the runs do not give; without a record its status is taken as it is."""
    with (results / "tables" / f"{table}.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    keys = ("dataset", "method", "k")
    written = next(line for line in lines if all(line[key] == str(cell[key]) for key in keys))
    made = {run.metrics.relative_to(results / "metrics").with_suffix(""): run.record for run in runs}
    digests = {name.as_posix(): record["settings_digest"] for name, record in made.items()}
    request = asked or {**cell, "reasons": [], "runs": digests}
    manifests = [
        path for path in (results / RunFiles(run).manifest for run in request["runs"]) if path.is_file()
    ]
    try:
        again = cell_line(request, results, manifests)
    except (OSError, ValueError, KeyError) as error:
        return str(error).splitlines()[0]
    if asked is None:
        again["status"] = written["status"]
    return csv_difference(_line(written), _line(again))


def _line(values: Mapping[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerow(values)
    return text.getvalue()

"""From a printed number back to the files, settings and hashes it came from, computing it again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import PixelCounts, image_metrics, pixel_metrics
from fusionmedclip.pipeline.files import read_json
from fusionmedclip.provenance import digest, file_sha256

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
    changed : tuple of str
        Input files that are missing or no longer have the recorded hash.
    settings_hold : bool
        Whether the recorded settings have the recorded digest.
    """

    metrics: Path
    record: dict[str, Any]
    printed: float
    recomputed: float
    changed: tuple[str, ...]
    settings_hold: bool


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A number of a table and the runs that it is the mean of.

    Attributes
    ----------
    cell : dict
        The table's line.
    runs : list of TracedRun
    """

    cell: dict[str, Any]
    runs: list[TracedRun]

    @property
    def recomputed_mean(self) -> float:
        """Mean over the runs, computed again from their scores."""
        return float(np.mean([run.recomputed for run in self.runs]))

    @property
    def holds(self) -> bool:
        """Whether every number is met again and no input has changed."""
        same = abs(self.recomputed_mean - self.cell["mean"]) < 1e-12
        return same and all(run.settings_hold and not run.changed for run in self.runs)


def trace_cell(results: Path, table: str, dataset: str, method: str, k: int) -> Trace:
    """Trace one cell of a table.

    Parameters
    ----------
    results : Path
        Folder of results.
    table, dataset, method : str
        Identifiers, for example ``table6``, ``brainmri``, ``patchcore``.
    k : int

    Raises
    ------
    InputError
        If there is no such table or cell, or it was not run.
    """
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
    folder = results / "metrics" / dataset / cell["split"] / method / f"k{k}"
    files = sorted(folder.glob("seed*.json"), key=lambda p: int(p.stem.removeprefix("seed")))
    runs = [_trace_run(results, file, cell["metric"]) for file in files]
    return Trace(cell=cell, runs=[run for run in runs if run is not None][: int(cell["n_seeds"])])


def _trace_run(results: Path, path: Path, metric: str) -> TracedRun | None:
    record = read_json(path)
    if metric not in record["metrics"]:
        return None
    scores = results / "scores" / path.relative_to(results / "metrics").with_suffix("")
    inputs = record["provenance"]["inputs"]
    changed = [name for name, sha in inputs.items() if not Path(name).is_file() or file_sha256(name) != sha]
    return TracedRun(
        metrics=path,
        record=record,
        printed=record["metrics"][metric],
        recomputed=_recompute(scores, metric),
        changed=tuple(changed),
        settings_hold=digest(record["settings"]) == record["settings_digest"],
    )


def _recompute(scores: Path, metric: str) -> float:
    if metric.startswith("pixel"):
        return pixel_metrics(PixelCounts.load(scores / "pixel_counts.npz"))[metric]
    table = pd.read_csv(scores / "scores.csv", dtype={"image_id": str})
    return image_metrics(table["label"].to_numpy(), table["score"].to_numpy())[metric]

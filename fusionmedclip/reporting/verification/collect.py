"""The records of some results: which tables there are, which runs stand behind them, what each holds."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.errors import InputError
from fusionmedclip.reporting.tables.formats import FORMATS, files_of
from fusionmedclip.reporting.tables.inputs import SUFFIX, TableRecord, read_record
from fusionmedclip.reporting.verification.findings import ALTERED, CONTRADICTED, DELETED, Finding
from fusionmedclip.reporting.verification.run_files import RunFiles

__all__ = ["Collected", "collect"]

STATISTICS = ("comparisons", "ranks", "metrics", "verdicts")


class Collected:
    """What was found, before anything is held against anything.

    Attributes
    ----------
    tables : dict
        Name to :class:`TableRecord`, of tables whose record is whole.
    runs : dict
        Run to the settings digest that its table asked for.
    metrics, provenance : dict
        Run to what its two records say; runs whose record cannot be read are left out.
    findings : list of Finding
        Tables' records that are missing or not as they were written.
    empty : list of Finding
        Runs' records that hold no digests.
    """

    def __init__(self) -> None:
        self.tables: dict[str, TableRecord] = {}
        self.runs: dict[str, str] = {}
        self.metrics: dict[str, dict[str, Any]] = {}
        self.provenance: dict[str, dict[str, Any]] = {}
        self.findings: list[Finding] = []
        self.empty: list[Finding] = []

    def claims(self, run: str) -> Iterator[tuple[str, dict[str, str]]]:
        """The records of a run, from the table downwards, and the digests that each holds."""
        files = RunFiles(run)
        if run in self.metrics:
            yield files.metrics, files.located(self.metrics[run]["provenance"]["inputs"])
        if run in self.provenance:
            said = self.provenance[run]
            yield files.provenance, files.located({**said["inputs"], **said["outputs"]})


def collect(results: Path) -> Collected:
    """Read every record below a folder of results.

    Raises
    ------
    InputError
        If it is no folder, or there are no tables.
    OSError
        If they may not be read.
    """
    if not results.is_dir():
        raise InputError(
            f"{results}: no folder of results",
            hint="give the folder that `results` names, such as results/demo",
        )
    found = Collected()
    names = _tables(results / "tables")
    if not names:
        above = [folder for folder in results.absolute().parents[:2] if _tables(folder / "tables")]
        hint = f"the tables are those of {above[0]}: give that folder" if above else "snakemake all_tables"
        raise InputError("there are no tables to verify", received=str(results), hint=hint)
    for name in names:
        file = f"tables/{name}{SUFFIX}"
        try:
            record = read_record(results / file)
        except InputError as error:
            there = (results / file).is_file()
            found.findings.append(Finding(file, ALTERED if there else DELETED, str(error).splitlines()[0]))
            continue
        found.tables[name] = record
        found.findings += _incomplete(file, record)
        for cell in record.request:
            found.runs |= {run: found.runs.get(run, digest) for run, digest in cell["runs"].items()}
    for run in found.runs:
        _read(found, results, run)
    return found


def _tables(folder: Path) -> list[str]:
    """Tables of which there is a record, rows, or a CSV with a printed format beside it."""
    if folder.is_dir():
        os.listdir(folder)  # glob finds nothing in a folder that may not be read
    recorded = {path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}")}
    rows = {path.parent.name for path in folder.glob("*/row_*.csv")}
    printed = {path.stem for suffix in FORMATS for path in folder.glob(f"*{suffix}")}
    return sorted(recorded | rows | {name for name in printed if (folder / f"{name}.csv").is_file()})


def _incomplete(file: str, record: TableRecord) -> list[Finding]:
    """A record that does not hold the digests of all that the table was made from, and of all its files."""
    runs = [RunFiles(run) for cell in record.request for run in cell["runs"]]
    read = {name for run in runs for name in (run.metrics, run.scores, *run.images)}
    made = {f"tables/{name}" for name in files_of(record.table)}
    if record.request:
        made |= {f"tables/{record.table}/row_{cell['row']}.csv" for cell in record.request}
        made |= {f"tables/{record.table}_{name}.csv" for name in STATISTICS}
    lacking = sorted((read - set(record.inputs)) | (made - set(record.outputs)))
    if not lacking:
        return []
    return [Finding(file, CONTRADICTED, f"it does not hold the digest of {lacking[0]}")]


def _read(found: Collected, results: Path, run: str) -> None:
    files = RunFiles(run)
    metrics, provenance = (_mapping(results / name) for name in (files.metrics, files.provenance))
    if _digests(metrics.get("provenance"), "inputs"):
        found.metrics[run] = metrics
    if _digests(provenance, "inputs") and _digests(provenance, "outputs"):
        found.provenance[run] = provenance
    elif (results / files.provenance).is_file():
        found.empty.append(
            Finding(files.provenance, CONTRADICTED, "it holds no digests of inputs and outputs")
        )


def _mapping(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _digests(said: object, key: str) -> bool:
    return isinstance(said, Mapping) and isinstance(said.get(key), Mapping)

"""Everything that can be computed again from what lies below it."""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from fusionmedclip.outliving import end_with_parent
from fusionmedclip.provenance import digest
from fusionmedclip.reporting.tables.inputs import SUFFIX
from fusionmedclip.reporting.verification.collect import Collected
from fusionmedclip.reporting.verification.data_check import check_data, sources_in
from fusionmedclip.reporting.verification.findings import CONTRADICTED, Finding
from fusionmedclip.reporting.verification.reason_check import check_reasons
from fusionmedclip.reporting.verification.run_check import check_run, images_tested
from fusionmedclip.reporting.verification.run_files import RunFiles
from fusionmedclip.reporting.verification.split_check import check_draws
from fusionmedclip.reporting.verification.table_check import check_table

__all__ = ["compute_again"]

_MANY = 40
"""Runs from which several processes are worth their start."""


def compute_again(
    results: Path,
    found: Collected,
    named: Iterable[str],
    *,
    sources: Mapping[str, Mapping[str, Any]],
    processes: int | None = None,
) -> tuple[list[Finding], list[str]]:
    """Files that are as recorded and yet not what their sources give.

    Only what rests on nothing that is wrong already is computed again, so that each fault is named once,
    where it lies.

    Parameters
    ----------
    results : path
    found : Collected
    named : iterable of str
        Files that something is wrong with already.
    sources : mapping
        Data set to its source, path made whole.
    processes : int, optional
        Does not change the result; default: one a processor, at most 8, where there are many runs.

    Returns
    -------
    findings : list of Finding
    unchecked : list of str
        Data sets whose images are not at hand.
    """
    several = _processes(processes) if len(found.runs) >= _MANY else 1
    bad, findings = set(named), []

    def note(more: Iterable[list[Finding]]) -> None:
        for finding in (finding for part in more for finding in part):
            findings.append(finding)
            bad.add(finding.file)

    with tempfile.TemporaryDirectory() as scratch:
        said: dict[str, Any] = {run: record.get("settings") for run, record in found.metrics.items()}
        asked = {run: settings for run, settings in said.items() if digest(settings) == found.runs[run]}
        note([_reasons(found, asked, bad)])
        images, unchecked = check_data(
            results, {**sources, **sources_in(results, asked.values())}, _data(asked), bad, f"{scratch}/data"
        )
        note([images])
        note([check_draws(results, asked, bad, scratch)])
        whole = [(run, found.runs[run]) for run in found.runs if not _rests_on(found, run) & bad]
        check = partial(_run, results, images_tested(results, [run for run, _ in whole]))
        note(_each(check, whole, title="Runs", processes=several))
        check = partial(_table, results, frozenset(bad), Path(scratch))
        note(_each(check, list(found.tables.values()), title="Tables", processes=several))
    return findings, unchecked


def _data(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Data sets that are tested or learnt from, each with the settings of a run that read it."""
    return {name: settings for settings in runs.values() for name in (settings["dataset"], *settings["meta"])}


def _reasons(found: Collected, runs: Mapping[str, Mapping[str, Any]], bad: set[str]) -> list[Finding]:
    """Records of tables that their runs' settings contradict."""
    findings = []
    for table, record in found.tables.items():
        file = f"tables/{table}{SUFFIX}"
        if record.request and file not in bad:
            try:
                why = next(check_reasons(record, runs), "")
            except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
                why = f"its reasons cannot be made again: {error!r}"
            findings += [Finding(file, CONTRADICTED, why)] if why else []
    return findings


def _rests_on(found: Collected, run: str) -> set[str]:
    files = RunFiles(run)
    named = {name for _, claims in found.claims(run) for name in claims}
    backbones = {name for name in named if name.startswith("backbones/") and name.endswith("/settings.json")}
    learnt = {name for name in named if name.startswith(files.learnt)}
    return {files.metrics, files.provenance, files.manifest, files.split, *files.written, *backbones, *learnt}


def _run(results: Path, tested: dict, item: tuple[str, str]) -> list[Finding]:
    run, wanted = item
    return check_run(results, run, wanted, tested[RunFiles(run).split])


def _table(results: Path, named: frozenset[str], scratch: Path, record) -> list[Finding]:
    return check_table(results, record, named, scratch / record.table)


def _processes(wanted: int | None) -> int:
    if sys.platform != "linux":  # elsewhere forks are not safe, and a fresh process costs as much as it saves
        return 1
    return wanted or min(8, len(os.sched_getaffinity(0)))


def _each(work: Callable, items: Sequence, *, title: str, processes: int) -> Iterator[list[Finding]]:
    """Work on every item, in order, with a bar on a terminal."""
    console = Console(stderr=True)
    shown = partial(
        track,
        description=title,
        total=len(items),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    if processes == 1 or len(items) < 2:
        yield from shown(map(work, items))
        return
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, fork, end_with_parent, (os.getpid(),)) as pool:
        found = pool.map(
            work, items, chunksize=max(1, len(items) // (16 * processes))
        )  # forked before the bar
        yield from shown(found)

"""All that was finished, held against itself: from the printed tables down to scores, splits and weights."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fusionmedclip.pipeline.files import write_json
from fusionmedclip.provenance import canonical
from fusionmedclip.reporting.tables.formats import files_of
from fusionmedclip.reporting.tables.inputs import SUFFIX
from fusionmedclip.reporting.verification.collect import Collected, collect
from fusionmedclip.reporting.verification.compare import difference
from fusionmedclip.reporting.verification.digests import broken_claims, digests_of
from fusionmedclip.reporting.verification.findings import (
    ADDED,
    CONTRADICTED,
    DELETED,
    Finding,
    first_of_each,
)
from fusionmedclip.reporting.verification.recompute import compute_again
from fusionmedclip.reporting.verification.run_files import RunFiles
from fusionmedclip.reporting.verification.strays import find_strays
from fusionmedclip.reporting.verification.versions import other_versions

__all__ = ["Verification", "verify_results", "write_verification"]


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What became of it.

    Attributes
    ----------
    tables, cells, runs : int
        How many there are.
    met : int
        Cells behind which nothing is wrong.
    findings : tuple of Finding
        One a file, by name.
    unchecked : tuple of str
        What nothing was held against.
    files : dict
        Every file that was read, relative to the results, and its SHA-256.
    """

    tables: int
    cells: int
    met: int
    runs: int
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]
    files: dict[str, str]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


Asked = Mapping[str, Mapping[str, Any]]

_BY_CONFIGURATION = (
    "without a configuration: which tables and cells there should be, titles, which methods are controls, "
    "what data are declared to stand in for, what a method of one's own is based on, and Tables A1 to A3"
)
_ALWAYS = (
    "scores and maps against the images, and weights against what they were learnt from (only the run makes "
    "them); how many images of other data sets were left out; stored features, datasheets, figures, report"
)


def verify_results(
    results: str | Path,
    *,
    asked: Asked | None = None,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    processes: int | None = None,
) -> Verification:
    """Meet every figure of every table again, and name each file that was altered, deleted or added.

    Digests first, from the tables' records downwards: a record that is not itself as recorded is not
    believed. Then what can be computed is computed again, wherever all that it rests on is as recorded:
    metrics from scores and pixel counts, splits and support sets from the manifest, rows and statistics from
    metrics and scores, the printed formats from the rows, and what the tables call no thesis's protocol from
    the runs' settings; manifests, pixels and duplicates from the images, where these are at hand. Scores
    themselves would need the run again.

    Parameters
    ----------
    results : path
        Folder of results, wherever it lies today.
    asked : mapping, optional
        What a configuration asks for, from :func:`fusionmedclip.reporting.claims.request.all_asked`: then the
        tables' records are held against it, and none may be missing.
    sources : mapping, optional
        Data set to its source, path made whole; phantoms in the results are found without.
    processes : int, optional
        Does not change the result; default: one a processor, at most 8.

    Raises
    ------
    InputError
        If there are no tables.
    """
    results = Path(results)
    found = collect(results)
    findings = [*found.findings, *_unasked(found, asked or {})]
    digests = digests_of(results, found)
    findings += [*broken_claims(results, found, digests, _files(findings)), *found.empty]
    findings += find_strays(results, found, _files(findings))
    computed, unchecked = compute_again(
        results, found, _files(findings), sources=sources or {}, processes=processes
    )
    findings += computed
    kept = first_of_each(findings)
    cells, met = _cells(results, found, {finding.file for finding in kept if finding.what != ADDED})
    return Verification(
        tables=len(found.tables),
        cells=cells,
        met=met,
        runs=len(found.runs),
        findings=tuple(kept),
        unchecked=(*other_versions(results, found.runs), *unchecked, *_beyond(found, asked), _ALWAYS),
        files={name: sha for name, sha in sorted(digests.items()) if sha is not None},
    )


def write_verification(
    *,
    results: str | Path,
    asked: Asked,
    sources: Mapping[str, Mapping[str, Any]],
    out: str | Path,
    processes: int | None = None,
) -> None:
    """Write what :func:`verify_results` finds as JSON; whoever reads it decides what a finding stops."""
    found = verify_results(results, asked=asked, sources=sources, processes=processes)
    named = [finding._asdict() for finding in found.findings]
    write_json(out, {**asdict(found), "findings": named, "holds": found.holds})
    print(f"{found.met} of {found.cells} cells are met again; {len(named)} files are named")


def _files(findings: Sequence[Finding]) -> set[str]:
    return {finding.file for finding in findings}


def _beyond(found: Collected, asked: Asked | None) -> list[str]:
    """What the configuration does not speak of."""
    if not asked:
        return [_BY_CONFIGURATION]
    more = sorted(set(found.tables) - set(asked))
    return [f"tables that the configuration does not have: {', '.join(more)}"] if more else []


def _unasked(found: Collected, asked: Asked) -> Iterator[Finding]:
    """Tables that are not what a configuration asks for."""
    for table, wanted in asked.items():
        file = f"tables/{table}{SUFFIX}"
        if table not in found.tables:
            yield Finding(file, DELETED, "the configuration has this table")
        elif canonical(list(wanted["request"])) != canonical(found.tables[table].request):
            yield Finding(
                file,
                CONTRADICTED,
                "it was made for other cells or settings than the configuration's: snakemake makes them",
            )
        elif different := difference(found.tables[table].layout, json.loads(canonical(wanted["layout"]))):
            yield Finding(file, CONTRADICTED, f"by the configuration, {different}")


def _cells(results: Path, found: Collected, named: set[str]) -> tuple[int, int]:
    """Cells, and those behind which no file is named; of a table without a record, those that it prints."""
    cells = met = 0
    for table, record in found.tables.items():
        printed = {f"tables/{table}{SUFFIX}", *(f"tables/{name}" for name in files_of(table))}
        for cell in record.request:
            behind = {*printed, f"tables/{table}/row_{cell['row']}.csv"}
            for run in cell["runs"]:
                behind |= {RunFiles(run).metrics, RunFiles(run).provenance}
                behind.update(*(claims for _, claims in found.claims(run)))
            cells += 1
            met += not behind & named
    for file in named:
        table = file.removeprefix("tables/").removesuffix(SUFFIX)
        if file.endswith(SUFFIX) and table not in found.tables:
            rows = (results / "tables" / table).glob("row_*.csv")
            cells += sum(len(row.read_text().splitlines()) - 1 for row in rows)
    return cells, met

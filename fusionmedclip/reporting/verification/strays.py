"""Files that no table was made from, and no run wrote."""

import os
from collections.abc import Iterator
from pathlib import Path

from fusionmedclip.reporting.tables.inputs import SUFFIX
from fusionmedclip.reporting.verification.collect import Collected
from fusionmedclip.reporting.verification.findings import ADDED, Finding
from fusionmedclip.reporting.verification.run_files import RunFiles

__all__ = ["find_strays"]

_FOLDERS = ("learnt", "metrics", "runs", "scores", "support", "tables")


def find_strays(results: Path, found: Collected, named: set[str]) -> list[Finding]:
    """Files below the folders of what runs read and write, and ``tables/``, that belong to no table.

    Hidden files (``.DS_Store``, Snakemake's own) are no results. Nothing is called added while a table's
    record is missing or altered: what that table was made from, nobody can say.
    """
    if any(file.endswith(SUFFIX) and file.removeprefix("tables/").removesuffix(SUFFIX) not in found.tables
           for file in named):  # fmt: skip
        return []
    known, folders = _known(found, named)
    findings = []
    for folder in _FOLDERS:
        for path in sorted(_files_below(results / folder)):
            name = path.relative_to(results).as_posix()
            if not path.name.startswith(".") and name not in known and not name.startswith(folders):
                findings.append(Finding(name, ADDED, "no table was made from it"))
    return findings


def _files_below(folder: Path) -> Iterator[Path]:
    """OSError where one of its folders may not be read: what lies there, nobody can say."""

    def refuse(error: OSError) -> None:
        raise error

    if folder.is_dir():
        for place, _, names in os.walk(folder, onerror=refuse):
            yield from (Path(place, name) for name in names)


def _known(found: Collected, named: set[str]) -> tuple[set[str], tuple[str, ...]]:
    """Files that belong to a table or a run behind one, and folders of runs that lost their provenance."""
    names = {f"tables/{table}{SUFFIX}" for table in found.tables}
    folders: list[str] = []
    for record in found.tables.values():
        names |= {*record.inputs, *record.outputs}
    for run in found.runs:
        files = RunFiles(run)
        names |= {files.metrics, files.provenance, files.support, *files.written}
        if files.provenance in named or run not in found.provenance:
            folders += [f"runs/{run}/", f"scores/{run}/", files.learnt]
        else:
            names.update(files.located(found.provenance[run]["outputs"]))
            names.update(files.located(found.provenance[run]["inputs"]))
    return names, tuple(folders)

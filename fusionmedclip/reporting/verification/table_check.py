"""A table built again from what is recorded of it, in a folder of its own, and held against what is there."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.reporting.claims.build import build_claims
from fusionmedclip.reporting.claims.catalogue import CLAIMS
from fusionmedclip.reporting.comparisons.statistics import build_statistics
from fusionmedclip.reporting.tables.appendix_formats import build_appendix
from fusionmedclip.reporting.tables.build import build_table
from fusionmedclip.reporting.tables.formats import files_of
from fusionmedclip.reporting.tables.inputs import SUFFIX, TableRecord
from fusionmedclip.reporting.tables.row import build_row
from fusionmedclip.reporting.verification.collect import STATISTICS
from fusionmedclip.reporting.verification.compare import csv_difference
from fusionmedclip.reporting.verification.findings import CONTRADICTED, Finding
from fusionmedclip.reporting.verification.run_files import RunFiles

__all__ = ["check_table"]

_ERRORS = (ValueError, TypeError, KeyError, AttributeError, OSError)


def check_table(
    results: str | Path, record: TableRecord, named: Iterable[str], scratch: str | Path
) -> list[Finding]:
    """Files of a table that are not what its runs give.

    Each step is done again from the files that are there, and only where nothing is wrong with them: rows and
    statistics from metrics and scores, the printed formats from the rows and comparisons.

    Parameters
    ----------
    results : path
    record : TableRecord
    named : iterable of str
        Files that something is wrong with already.
    scratch : path
        An empty folder to build in.

    Returns
    -------
    list of Finding
    """
    build = _Rebuilt(Path(results), record, set(named), Path(scratch))
    if record.table == CLAIMS:
        return list(build.claims())
    return list(build.from_runs() if record.request else build.appendix())


class _Rebuilt:
    def __init__(self, results: Path, record: TableRecord, named: set[str], scratch: Path):
        self.results, self.record, self.named, self.scratch = results, record, named, scratch

    def from_runs(self) -> Iterator[Finding]:
        table, rows = self.record.table, self._rows()
        for number, cells in rows.items():
            files = [f"tables/{table}/row_{number}.csv"]
            yield from self._step(files, self._behind(cells), self._row, cells, files[0])
        statistics = {name: f"tables/{table}_{name}.csv" for name in STATISTICS}
        cells = self.record.request
        images = {name for cell in cells for run in cell["runs"] for name in RunFiles(run).images}
        behind = [*self._behind(cells), *images]
        yield from self._step([*statistics.values()], behind, self._statistics, statistics, images)
        made = [f"tables/{table}/row_{number}.csv" for number in rows]
        read = [*made, *statistics.values(), *self._manifest_names(cells), *self._metrics()]
        yield from self._step(self._formats(), read, self._table, made, statistics)

    def appendix(self) -> Iterator[Finding]:
        yield from self._step(self._formats(), [], self._appendix)

    def claims(self) -> Iterator[Finding]:
        yield from self._step(self._formats(), self.record.inputs, self._claims)

    def _rows(self) -> dict[int, list[dict[str, Any]]]:
        rows: dict[int, list[dict[str, Any]]] = {}
        for cell in self.record.request:
            rows.setdefault(cell["row"], []).append(cell)
        return rows

    def _behind(self, cells: Iterable[Mapping[str, Any]]) -> list[str]:
        runs = [RunFiles(run) for cell in cells for run in cell["runs"]]
        return [name for run in runs for name in (run.metrics, run.scores, run.manifest)]

    def _formats(self) -> list[str]:
        return [f"tables/{name}" for name in files_of(self.record.table)]

    def _step(self, files: list[str], read: Iterable[str], make, *arguments) -> Iterator[Finding]:
        if self.named & {*files, *read}:
            return
        try:
            make(*arguments)
            wrong = {file: self._difference(file) for file in files}
        except _ERRORS as error:
            wrong = {files[0]: f"cannot be built again: {error}"}
        for file, why in wrong.items():
            if why:
                self.named.add(file)
                yield Finding(file, CONTRADICTED, why)

    def _difference(self, file: str) -> str:
        written, again = (folder / file for folder in (self.results, self.scratch))
        if file.endswith(".csv"):
            return csv_difference(written.read_text(), again.read_text())
        return "" if written.read_bytes() == again.read_bytes() else "its table and settings give another"

    def _manifest_names(self, cells: Iterable[Mapping[str, Any]]) -> list[str]:
        return sorted({RunFiles(run).manifest for cell in cells for run in cell["runs"]})

    def _metrics(self) -> list[str]:
        return sorted({RunFiles(run).metrics for cell in self.record.request for run in cell["runs"]})

    def _manifests(self, cells: Iterable[Mapping[str, Any]]) -> list[Path]:
        return [self.results / name for name in self._manifest_names(cells)]

    def _row(self, cells: list[dict[str, Any]], out: str) -> None:
        manifests = self._manifests(cells)
        build_row(request=cells, results=self.results, manifests=manifests, out=self.scratch / out)

    def _statistics(self, files: Mapping[str, str], images: Iterable[str]) -> None:
        paths = [self.results / name for name in sorted(images)]
        build_statistics(
            request=self.record.request,
            results=self.results,
            manifests=self._manifests(self.record.request),
            splits=[path for path in paths if path.name.startswith("split_")],
            supports=[path for path in paths if path.parts[-4] == "support"],
            duplicates=[path for path in paths if path.name == "duplicates.csv"],
            unranked=self.record.layout["unranked"],
            **{name: self.scratch / file for name, file in files.items()},
        )

    def _table(self, rows: Iterable[str], statistics: Mapping[str, str]) -> None:
        build_table(
            rows=[self.results / row for row in rows],
            comparisons=self.results / statistics["comparisons"],
            further=self.results / statistics["metrics"],
            verdicts=self.results / statistics["verdicts"],
            files=[self.scratch / file for file in self._formats()],
            manifests=self._manifests(self.record.request),
            metrics=[self.results / name for name in self._metrics()],
            **self.record.layout,
        )

    def _appendix(self) -> None:
        build_appendix(tables={self.record.table: self.record.layout}, folder=self.scratch / "tables")

    def _claims(self) -> None:
        paths = [self.results / name for name in sorted(self.record.inputs)]
        build_claims(
            results=self.results,
            look=self.record.layout,
            records=[self.results / f"tables/{table}{SUFFIX}" for table in self.record.layout["tables"]],
            manifests=[path for path in paths if path.name == "manifest.csv"],
            splits=[path for path in paths if path.name.startswith("split_")],
            files=[self.scratch / file for file in self._formats()],
        )

"""Files that are not, byte by byte, what the records above them say."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from fusionmedclip.data.parallel import map_files
from fusionmedclip.provenance import file_sha256
from fusionmedclip.reporting.tables.inputs import SUFFIX
from fusionmedclip.reporting.verification.collect import Collected
from fusionmedclip.reporting.verification.findings import ALTERED, Finding, claims_broken
from fusionmedclip.reporting.verification.run_files import RunFiles

__all__ = ["broken_claims", "digests_of", "digests_today"]

_TEXT = (".csv", ".html", ".json", ".md", ".tex")


def digests_of(results: Path, found: Collected) -> dict[str, str | None]:
    """SHA-256 of every record and of every file that one names; None where a file is not there."""
    names = {f"tables/{table}{SUFFIX}" for table in found.tables}
    for record in found.tables.values():
        names |= {*record.inputs, *record.outputs}
    for run in found.runs:
        names |= {RunFiles(run).metrics, RunFiles(run).provenance}
        names.update(*(claims for _, claims in found.claims(run)))

    return digests_today(results, names)


def digests_today(results: Path, names: Iterable[str]) -> dict[str, str | None]:
    """SHA-256 of some files by their names relative to the results, in order; None where one is not there."""

    def sha(name: str) -> str | None:
        path = results / name
        return file_sha256(path) if path.is_file() else None

    ordered = sorted(names)
    return dict(zip(ordered, map_files(sha, ordered, title="Hashing"), strict=True))


def broken_claims(
    results: Path, found: Collected, digests: Mapping[str, str | None], named: set[str]
) -> list[Finding]:
    """Files that are not as recorded; what a record says that is not as recorded itself is not believed.

    Parameters
    ----------
    results : Path
    found : Collected
    digests : mapping
        From :func:`digests_of`.
    named : set of str
        Files that something is wrong with already.
    """
    named, findings = set(named), []

    def believe(claimer: str, claims: Mapping[str, str]) -> None:
        broken = [_of_line_ends(results, f, claims) for f in claims_broken(claimer, claims, digests)]
        findings.extend(broken)
        named.update(finding.file for finding in broken)

    for table, record in found.tables.items():
        believe(f"tables/{table}{SUFFIX}", {**record.inputs, **record.outputs})
    for run in found.runs:
        for claimer, claims in found.claims(run):
            if {claimer, RunFiles(run).metrics} & named:
                break
            believe(claimer, claims)
    return findings


def _of_line_ends(results: Path, finding: Finding, claims: Mapping[str, str]) -> Finding:
    """The same; where line ends alone were changed, as git and some editors do, it says so."""
    if finding.what != ALTERED or Path(finding.file).suffix not in _TEXT:
        return finding
    today = (results / finding.file).read_bytes()
    if hashlib.sha256(today.replace(b"\r\n", b"\n")).hexdigest() != claims[finding.file]:
        return finding
    return finding._replace(
        why=f"{finding.why}: its line ends alone were changed, to CRLF (core.autocrlf of git?)"
    )

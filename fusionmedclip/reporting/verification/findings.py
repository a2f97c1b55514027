"""What is wrong with a file of the results."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

__all__ = ["ADDED", "ALTERED", "CONTRADICTED", "DELETED", "Finding", "claims_broken", "first_of_each"]

ALTERED, DELETED, ADDED, CONTRADICTED = "altered", "deleted", "added", "contradicted"
"""Not the bytes that were recorded; not there; recorded by nothing; not what its sources give."""


class Finding(NamedTuple):
    """One file and what is wrong with it.

    Attributes
    ----------
    file : str
        Relative to the folder of results.
    what : str
        ``altered``, ``deleted``, ``added`` or ``contradicted``.
    why : str
        Who says so, or what was computed.
    """

    file: str
    what: str
    why: str


def claims_broken(
    claimer: str, claims: Mapping[str, str], digests: Mapping[str, str | None]
) -> Iterable[Finding]:
    """Files that are not as a record says.

    Parameters
    ----------
    claimer : str
        The record.
    claims : mapping
        File to the SHA-256 that the record holds.
    digests : mapping
        File to its SHA-256 today, None where it is not there.
    """
    for file, sha in claims.items():
        found = digests[file]
        if found is None:
            yield Finding(file, DELETED, f"{claimer} names it")
        elif found != sha:
            yield Finding(file, ALTERED, f"{found[:12]}, where {claimer} holds {str(sha)[:12]}")


def first_of_each(findings: Iterable[Finding]) -> list[Finding]:
    """One finding a file, the first, in the order of their names."""
    kept: dict[str, Finding] = {}
    for finding in findings:
        kept.setdefault(finding.file, finding)
    return sorted(kept.values())

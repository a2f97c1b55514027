"""What a result was made with: a small file for each job, among the results that it speaks of.

Snakemake keeps such records in its working folder, where they are lost when that folder is cleaned or when
results are copied without it; and without them it takes any file that is there for what today's configuration
asks for. A record travels with the results: ``records/`` repeats their paths.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from fusionmedclip.outputs import remove_attempts
from fusionmedclip.pipeline.files import read_json, write_json
from fusionmedclip.provenance import digest

__all__ = ["differs", "forget", "record_path", "remember"]

_APART = ("code", "environment", "above")
"""Parameters that are digests already; all others are settings."""


def record_path(results: str | Path, output: str | Path) -> Path:
    """Where the record of a job lies.

    Parameters
    ----------
    results : path
    output : path
        The job's first output, below ``results``.
    """
    return Path(results, "records", f"{os.path.relpath(output, results)}.json")


def forget(record: Path, *outputs: str, is_alone: bool) -> None:
    """Before a job begins, and when it has failed: nobody knows where what is left of it is from.

    Parameters
    ----------
    record : Path
    outputs : str
        Files and folders of the job.
    is_alone : bool
        Whether no other attempt can be at them. What a killed one had half written, which it cannot have
        removed, goes then.
    """
    record.unlink(missing_ok=True)
    made: list[str | Path] = [record, *outputs] if is_alone else []
    for path in made:
        remove_attempts(path)


def remember(record: Path, params: Mapping) -> None:
    """After a job has succeeded.

    Parameters
    ----------
    record : Path
    params : mapping
        Its parameters, see ``rules/params.smk``.
    """
    write_json(record, _digests(params))


def differs(record: Path, params: Mapping) -> bool:
    """Whether a result was made with other parameters than these, or nobody knows with which."""
    return not record.is_file() or read_json(record) != _digests(params)


def _digests(params: Mapping) -> dict[str, str]:
    settings = {name: value for name, value in params.items() if name not in _APART}
    return {"settings": digest(settings), **{name: params[name] for name in _APART}}

"""What a table was made from, beside its CSV: ``{table}.inputs.json``."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fusionmedclip.errors import InputError
from fusionmedclip.pipeline.files import write_json
from fusionmedclip.provenance import digest, file_sha256

__all__ = ["SUFFIX", "TableRecord", "read_record", "write_record"]

SUFFIX = ".inputs.json"
_RUN = re.compile(r"[^/]+/[^/]+/[^/]+/k[0-9]+/seed[0-9]+")


@dataclass(frozen=True, kw_only=True)
class TableRecord:
    """A table's request, look, and the files that it read and wrote.

    Attributes
    ----------
    table : str
    request : list of dict
        Its cells with the settings digests of their runs, see
        :func:`fusionmedclip.reporting.tables.rows.row_request`; empty for Tables A1 to A3, which rest on no
        run.
    layout : dict
        What the printed formats depend on beside the numbers.
    inputs, outputs : dict
        File, relative to the folder of results, to its SHA-256.
    """

    table: str
    request: list[dict[str, Any]]
    layout: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, str]


def write_record(
    out: str | Path,
    *,
    results: str | Path,
    request: Sequence[Mapping[str, Any]] = (),
    layout: Mapping[str, Any],
    inputs: Iterable[str | Path] = (),
    outputs: Iterable[str | Path],
) -> None:
    """Write a record with a seal, the digest of all else in it.

    Parameters
    ----------
    out : path
        ``{table}.inputs.json``.
    results : path
        Folder that all files lie in.
    request, layout
        As in :class:`TableRecord`.
    inputs, outputs : iterables of paths
    """
    record = TableRecord(
        table=Path(out).name.removesuffix(SUFFIX),
        request=[dict(cell) for cell in request],
        layout=dict(layout),
        inputs=_digests(inputs, results),
        outputs=_digests(outputs, results),
    )
    write_json(out, {**asdict(record), "seal": digest(asdict(record))})


def _digests(paths: Iterable[str | Path], results: str | Path) -> dict[str, str]:
    return {Path(path).relative_to(results).as_posix(): file_sha256(path) for path in paths}


def read_record(path: str | Path) -> TableRecord:
    """Read what :func:`write_record` wrote.

    Raises
    ------
    InputError
        If it is not there, or is not as it was written.
    """
    try:
        said = json.loads(Path(path).read_bytes())
        seal = said.pop("seal")
        record = TableRecord(**said)
    except FileNotFoundError as error:
        raise InputError("no record says what the table was made from", received=str(path)) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError("a record of a table is damaged", received=str(path)) from error
    if digest(said) != seal or not _sound(record):
        raise InputError("a record of a table is not as it was written", received=str(path))
    return record


def _sound(record: TableRecord) -> bool:
    """Whether its parts have the form that it is written in, whoever sealed it."""
    mappings = all(isinstance(part, dict) for part in (record.layout, record.inputs, record.outputs))
    cells = isinstance(record.request, list) and all(isinstance(cell, dict) for cell in record.request)
    if not (mappings and cells and isinstance(record.table, str)):
        return False
    runs = [cell.get("runs") for cell in record.request]
    named = all(isinstance(found, dict) and all(map(_RUN.fullmatch, found)) for found in runs)
    return named and all(isinstance(cell.get("row"), int) for cell in record.request)

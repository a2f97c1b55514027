"""Finished runs as tables read them: refused where they are not what today's configuration asks for."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fusionmedclip.errors import InputError
from fusionmedclip.pipeline.files import read_json
from fusionmedclip.provenance import file_sha256
from fusionmedclip.reporting.status import NO_LESIONS, NOT_RUN, OK, STAND_IN
from fusionmedclip.reporting.thesis.images import caption_reasons, image_reasons

__all__ = ["Scored", "empty_status", "read_cell", "read_metrics", "read_scores", "status_of"]


def read_metrics(results: str | Path, run: str, wanted: str) -> dict:
    """The metrics file of one run.

    Parameters
    ----------
    results : path
        Folder that holds ``metrics/`` and ``scores/``.
    run : str
        ``{dataset}/{split}/{method}/k{k}/seed{seed}``.
    wanted : str
        Digest of the settings that the configuration has today.

    Raises
    ------
    InputError
        If it was made with other settings.
    """
    path = Path(results, "metrics", f"{run}.json")
    record = read_json(path)
    if record["settings_digest"] != wanted:
        raise InputError(
            f"{path} was made with other settings than the configuration has today",
            received=record["settings_digest"][:12],
            allowed=wanted[:12],
            hint=f"snakemake --forcerun run_method {path}",
        )
    return record


def read_cell(cell: Mapping, results: str | Path) -> tuple[dict[str, dict], list[float]]:
    """Metrics files of a cell's runs in the order of their seeds, and the cell's metric of each.

    Both empty where nothing ran or the method defines no such metric (no map).

    Parameters
    ----------
    cell : mapping
        From :func:`fusionmedclip.reporting.tables.rows.row_request`.
    results : path
    """
    runs = sorted(cell["runs"].items(), key=lambda item: int(item[0].rpartition("seed")[2]))
    records = {run: read_metrics(results, run, wanted) for run, wanted in runs}
    values = [record["metrics"].get(cell["metric"]) for record in records.values()]
    return ({}, []) if None in values else (records, values)


def empty_status(cell: Mapping, results: str | Path) -> str:
    """Why a cell has no number: nothing ran, or no mask of the images that were tested has a lesion pixel."""
    records = [read_metrics(results, run, wanted) for run, wanted in cell["runs"].items()]
    pixels = [record.get("mask_pixels", {}) for record in records]
    nothing = cell["metric"].startswith("pixel_") and any(held.get("lesion") == 0 for held in pixels)
    return NO_LESIONS if nothing else NOT_RUN


class Scored(NamedTuple):
    """What one method's runs made of the same test images, in the order of their ids.

    Attributes
    ----------
    images : tuple of str
    labels : (n,) int array
    scores : (S, n) float64 array
    """

    images: tuple[str, ...]
    labels: np.ndarray
    scores: np.ndarray


def read_scores(results: str | Path, records: Mapping[str, Mapping]) -> Scored:
    """Scores of one method's runs.

    Parameters
    ----------
    results : path
    records : mapping
        Run to its metrics file (:func:`read_metrics`), in the order wanted.

    Raises
    ------
    InputError
        If scores are not those that the metrics were computed from, or the runs tested different images.
    """
    tables = [_scores(Path(results, "scores", run, "scores.csv"), record) for run, record in records.items()]
    images = [[row[:2] for row in table] for table in tables]
    for run, listed in zip(records, images, strict=True):
        if listed != images[0]:
            raise InputError(
                "runs of one cell were tested on different images",
                received=run,
                hint="run them again: snakemake --forcerun run_method",
            )
    return Scored(
        images=tuple(image for image, _ in images[0]),
        labels=np.array([int(label) for _, label in images[0]]),
        scores=np.array([[float(score) for *_, score in table] for table in tables]),
    )


def _scores(path: Path, record: Mapping) -> list[tuple[str, str, str]]:
    """Image, label and score as written, sorted by image."""
    inputs = record.get("provenance", {}).get("inputs", {})
    known = [sha for name, sha in inputs.items() if name.endswith("/".join(path.parts[-6:]))]
    if known and known[0] != file_sha256(path):
        raise InputError(
            f"{path} is not the file that its metrics were computed from",
            received=file_sha256(path)[:12],
            allowed=known[0][:12],
            hint=f"snakemake --forcerun compute_metrics {path}",
        )
    with path.open(newline="") as file:
        return sorted((row["image_id"], row["label"], row["score"]) for row in csv.DictReader(file))


def status_of(cell: Mapping, manifests: Sequence[str | Path], records: Iterable[Mapping] = ()) -> str:
    """``ok`` or ``stand-in`` of a cell that was run.

    Parameters
    ----------
    cell : mapping
        From :func:`fusionmedclip.reporting.tables.rows.row_request`.
    manifests : sequence of paths
        ``{dataset}/manifest.csv``, to tell the thesis's data from others.
    records : iterable of mappings
        Metrics files of its runs, which say how many captions Stage 1 saw.
    """
    differ = (
        cell["reasons"] or image_reasons(cell["dataset"], manifests) or any(map(caption_reasons, records))
    )
    return STAND_IN if differ else OK

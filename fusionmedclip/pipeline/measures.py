"""The stage that turns scores into metrics, with the settings and the provenance they came from."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import PixelCounts, image_metrics, pixel_metrics, support_threshold
from fusionmedclip.pipeline.files import read_json, write_json
from fusionmedclip.provenance import digest, inputs_record

__all__ = ["SCHEMA_VERSION", "compute_metrics", "metrics_record"]

SCHEMA_VERSION = 1


def compute_metrics(*, scores: str, pixel_counts: str, provenance: str, settings: Mapping, out: str) -> None:
    """Write the metrics file of one run (its form is a contract, see docs/results.md).

    Parameters
    ----------
    scores, pixel_counts, provenance : path
        What :func:`fusionmedclip.pipeline.runs.run_method` wrote.
    settings : mapping
        What the configuration says of this run today; the run's own settings must equal it.
    out : path
    """
    run = read_json(provenance)
    if digest(run["settings"]) != digest(settings):
        raise InputError(
            "these scores were made with other settings than the configuration has today",
            received=str(scores),
            hint=f"snakemake --forcerun run_method {out}",
        )
    inputs = {**run["inputs"], **inputs_record([scores, pixel_counts, provenance])}
    table = pd.read_csv(scores, keep_default_na=False, dtype={"image_id": str})
    write_json(out, metrics_record(run, table, PixelCounts.load(pixel_counts), inputs=inputs))


def metrics_record(
    run: Mapping[str, Any], scores: pd.DataFrame, counts: PixelCounts, *, inputs: Mapping[str, str]
) -> dict[str, Any]:
    """What a metrics file says.

    Parameters
    ----------
    run : mapping
        The run's ``provenance.json``.
    scores : DataFrame
        ``label`` and ``score``.
    counts : PixelCounts
    inputs : mapping
        File to its SHA-256.
    """
    threshold = support_threshold(run["support_scores"]) if "support_scores" in run else None
    metrics = image_metrics(
        scores["label"].to_numpy(), scores["score"].to_numpy(), threshold=threshold and threshold.threshold
    )
    if counts.positives and counts.negatives:
        metrics |= pixel_metrics(counts)
    scored = counts.positives + counts.negatives  # none where the method has no maps
    record = {
        "schema_version": SCHEMA_VERSION,
        "metrics": {name: value for name, value in metrics.items() if value is not None},
        "settings": run["settings"],
        "settings_digest": digest(run["settings"]),
        "provenance": {**run["environment"], "inputs": dict(inputs)},
        **({"mask_pixels": {"lesion": counts.positives, "scored": scored}} if scored else {}),
        "trained_parameters": run["trained_parameters"],
        "timing": run["timing"],
        "memory": run["memory"],
    }
    if threshold is not None:
        record["threshold"] = {"source": "left-out support images", **threshold._asdict()}
    if "stage1" in run:
        record["stage1"] = run["stage1"]
    if "oracle" in run:
        record["oracle"] = run["oracle"]
    return record

"""What a run's method learnt ahead from other data sets, held against the run that reads it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.methods import learns_ahead, learns_labels
from fusionmedclip.pipeline.files import read_json
from fusionmedclip.reporting.tables.rows import learnt_part
from fusionmedclip.reporting.verification.compare import difference
from fusionmedclip.reporting.verification.findings import CONTRADICTED, Finding
from fusionmedclip.reporting.verification.run_files import RunFiles

__all__ = ["check_learnt"]


def check_learnt(results: Path, run: Mapping[str, Any], files: RunFiles) -> Iterator[Finding]:
    """Faults of the record of what was learnt: other settings, files or bytes than the run's.

    Parameters
    ----------
    results : Path
    run : mapping
        The run's own record.
    files : RunFiles
    """
    settings = run["settings"]
    method = settings["method"]["kind"], settings["method"]["settings"]
    if not learns_ahead(*method):
        return
    name = f"{files.learnt}provenance.json"
    record = read_json(results / name)
    for why in _contradictions(record, settings, files, files.located(run["inputs"]), learns_labels(*method)):
        yield Finding(name, CONTRADICTED, why)


def _contradictions(
    record: Mapping[str, Any],
    settings: Mapping[str, Any],
    files: RunFiles,
    read: Mapping[str, str],
    labels: bool,
) -> Iterator[str]:
    if different := difference(record["settings"], learnt_part(settings)):
        yield f"by the run, {different}"
    inputs, outputs = (files.located(record[part]) for part in ("inputs", "outputs"))
    wanted = files.of_backbone(settings) | files.of_others(settings)
    if labels:
        wanted |= {files.manifest, files.images_array}
    if inputs.keys() != wanted:
        yield f"its inputs lack, or should not have: {', '.join(sorted(inputs.keys() ^ wanted)[:3])}"
    if outputs.keys() != {f"{files.learnt}weights.safetensors", f"{files.learnt}training_log.csv"}:
        yield f"its outputs are {', '.join(sorted(outputs))}"
    for name, sha in {**inputs, **outputs}.items():
        if read.get(name) != sha:
            yield f"{name} is not the one that the run read"
    if labels and record["left_out_as_tested"].keys() != settings["meta"].keys():
        yield "images left out are counted of other data sets than the run's method learns from"

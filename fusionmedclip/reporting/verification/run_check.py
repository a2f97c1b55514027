"""A run met again: its metrics from its scores, its test set from its split, its settings from its place."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from fusionmedclip.data.sources.manifest import read_manifest
from fusionmedclip.metrics import PixelCounts
from fusionmedclip.pipeline.files import read_json
from fusionmedclip.pipeline.measures import SCHEMA_VERSION, metrics_record
from fusionmedclip.pipeline.run_files import stage1_record
from fusionmedclip.provenance import digest
from fusionmedclip.reporting.verification.compare import difference
from fusionmedclip.reporting.verification.findings import CONTRADICTED, Finding
from fusionmedclip.reporting.verification.learnt_check import check_learnt
from fusionmedclip.reporting.verification.run_files import RunFiles

__all__ = ["check_run", "images_tested"]


TestSet = list[tuple[str, int]]
"""Image and label of each test image, in the manifest's order."""


def images_tested(results: str | Path, runs: Iterable[str]) -> dict[str, TestSet]:
    """What each split behind some runs tests, by its file; a split that cannot be read tests nothing."""
    found: dict[str, TestSet] = {}
    for files in map(RunFiles, runs):
        if files.split not in found:
            try:
                found[files.split] = _tested(Path(results), files)
            except (ValueError, KeyError, OSError):
                found[files.split] = []
    return found


def _tested(results: Path, files: RunFiles) -> TestSet:
    manifest = read_manifest(results / files.manifest)
    split = pd.read_csv(results / files.split, keep_default_na=False, dtype={"image_id": str})
    tested = set(split.loc[split["part"] == "test", "image_id"])
    rows = manifest.loc[manifest["image_id"].isin(tested), ["image_id", "label"]]
    return list(rows.itertuples(index=False, name=None))


def check_run(results: str | Path, run: str, wanted: str, tested: TestSet) -> list[Finding]:
    """What of a run cannot be met again; the bytes of its files are checked elsewhere.

    Parameters
    ----------
    results : path
    run : str
        ``{dataset}/{split}/{method}/k{k}/seed{seed}``.
    wanted : str
        Digest of the settings that its table asked for.
    tested : list of (image, label)
        From :func:`images_tested`.

    Returns
    -------
    list of Finding
        The first thing that is wrong, or none.
    """
    files = RunFiles(run)
    try:
        return list(islice(_checked(Path(results), files, wanted, tested), 1))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        return [Finding(files.metrics, CONTRADICTED, f"cannot be computed again: {error!r}")]


def _checked(results: Path, files: RunFiles, wanted: str, tested: TestSet) -> Iterator[Finding]:
    record, run = read_json(results / files.metrics), read_json(results / files.provenance)
    if (form := record.get("schema_version")) != SCHEMA_VERSION:
        why = f"written in form {form!r} by another version of this code, which reads {SCHEMA_VERSION}"
        commit = record.get("provenance", {}).get("commit") or "the one that made it"
        yield Finding(files.metrics, CONTRADICTED, f"{why}: make it again, or verify with commit {commit}")
    yield from _settings(record, files, wanted)
    yield from _recorded(run, files)
    yield from _stage1(run, files, results)
    yield from check_learnt(results, run, files)
    scores = pd.read_csv(results / files.scores, keep_default_na=False, dtype={"image_id": str})
    given = list(scores[["image_id", "label"]].itertuples(index=False, name=None))
    if given != tested:
        yield Finding(files.scores, CONTRADICTED, "its images or labels are not those of the test set")
    inputs = {**files.located(run["inputs"]), **_own(record, files)}
    again = metrics_record(run, scores, PixelCounts.load(results / files.pixel_counts), inputs=inputs)
    found = {**record["provenance"], "inputs": files.located(record["provenance"]["inputs"])}
    if different := difference({**record, "provenance": found}, again):
        yield Finding(files.metrics, CONTRADICTED, f"from the scores: {different}")
    yield from _chosen(run, again["metrics"], files)


def _settings(record: Mapping[str, Any], files: RunFiles, wanted: str) -> Iterator[Finding]:
    settings = record["settings"]
    said = {**{key: settings[key] for key in files.identity}, "method": settings["method"]["name"]}
    if said != files.identity:
        yield Finding(files.metrics, CONTRADICTED, f"its settings are those of {said}")
    if not digest(settings) == record["settings_digest"] == wanted:
        yield Finding(files.metrics, CONTRADICTED, "its settings are not those that the table asked for")


def _recorded(run: Mapping[str, Any], files: RunFiles) -> Iterator[Finding]:
    """Whether the provenance names all that a run of its settings reads and writes, and nothing else."""
    read = set(files.located(run["inputs"]))
    if odd := read ^ files.read(run["settings"]):
        yield Finding(files.provenance, CONTRADICTED, f"its inputs lack, or should not have: {_some(odd)}")
    written = set(files.located(run["outputs"]))
    weights = {name for name in written if name.startswith(f"runs/{files.run}/weights/")}
    if odd := (written - weights) ^ files.written:
        yield Finding(files.provenance, CONTRADICTED, f"its outputs lack, or should not have: {_some(odd)}")


def _stage1(run: Mapping[str, Any], files: RunFiles, results: Path) -> Iterator[Finding]:
    """Whether the run says of Stage 1 what its backbone says."""
    backbone = run["settings"]["backbone"]
    read = None if backbone is None else results / f"backbones/{backbone['name']}/settings.json"
    if different := difference({"stage1": run.get("stage1")}, {"stage1": None, **stage1_record(read)}):
        yield Finding(files.provenance, CONTRADICTED, f"from the backbone: {different}")


def _own(record: Mapping[str, Any], files: RunFiles) -> dict[str, str]:
    """What the metrics file holds of the files that it was computed from."""
    held = files.located(record["provenance"]["inputs"])
    return {name: held[name] for name in (files.scores, files.pixel_counts, files.provenance)}


def _chosen(run: Mapping[str, Any], metrics: Mapping[str, float], files: RunFiles) -> Iterator[Finding]:
    """Whether an oracle's best epoch has the image AUROC of the scores kept, and is the first such."""
    if "oracle" in run:
        looks = {look["epoch"]: look["image_auroc"] for look in run["oracle"]["looks"]}
        best = max(looks, key=lambda epoch: (looks[epoch], -epoch))
        if difference([best, looks[best]], [run["oracle"]["epoch"], metrics["image_auroc"]]):
            yield Finding(files.provenance, CONTRADICTED, "its best epoch is not that of the scores")


def _some(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")

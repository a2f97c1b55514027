"""Splits and support sets drawn again, as the settings of the runs that used them say."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.pipeline.datasets import sample_support, split_dataset
from fusionmedclip.reporting.verification.findings import CONTRADICTED, Finding
from fusionmedclip.reporting.verification.run_files import RunFiles

__all__ = ["check_draws"]


def check_draws(
    results: str | Path, runs: Mapping[str, Mapping[str, Any]], named: Iterable[str], scratch: str | Path
) -> list[Finding]:
    """Splits and support sets that are not what their sources give.

    Parameters
    ----------
    results : path
    runs : mapping
        Run to its settings.
    named : iterable of str
        Files that something is wrong with already; what was drawn from them is not drawn again.
    scratch : path
        Folder to write to.
    """
    results, out, bad = Path(results), Path(scratch, "drawn.csv"), set(named)
    findings: dict[str, Finding] = {}
    done = set()
    for run, settings in runs.items():
        for files, used, file, source, draw in _drawn(run, settings):
            if file in done or {file, source} & bad:
                continue
            done.add(file)
            try:
                draw(results, files, used, out)
                same = out.read_bytes() == (results / file).read_bytes()
                why = f"{source} and the runs' settings give another"
            except (ValueError, TypeError, KeyError, OSError) as error:
                same, why = False, f"cannot be drawn again: {error!r}"
            if not same:
                findings[file] = Finding(file, CONTRADICTED, why)
                bad.add(file)
    return list(findings.values())


def _drawn(run: str, settings: Mapping[str, Any]) -> Iterator[tuple]:
    """Of the data sets that a run learns from the split; of its own the support set as well."""
    files = RunFiles(run)
    for other, entry in settings["meta"].items():
        theirs = RunFiles(f"{other}/{run.partition('/')[2]}")
        yield theirs, {**settings, "dataset": other, **entry}, theirs.split, theirs.manifest, _split
    yield files, settings, files.split, files.manifest, _split
    yield files, settings, files.support, files.split, _support


def _split(results: Path, files: RunFiles, settings: Mapping[str, Any], out: Path) -> None:
    duplicates = results / Path(files.manifest).with_name("duplicates.csv")
    split_dataset(
        manifest=str(results / files.manifest),
        duplicates=str(duplicates) if settings["split"] == "grouped" else None,
        name=settings["split"],
        test=settings["test"],
        seed=settings["split_seed"],
        published="samples" in settings["source"],
        out=str(out),
    )


def _support(results: Path, files: RunFiles, settings: Mapping[str, Any], out: Path) -> None:
    sample_support(
        split=str(results / files.split),
        k=settings["k"],
        seed=settings["seed"],
        dataset=settings["dataset"],
        supports=settings["supports"],
        out=str(out),
    )

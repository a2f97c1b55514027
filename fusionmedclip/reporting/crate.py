"""Results as an RO-Crate: one archive whose files, data sets, workflow and software are described."""

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from rich.progress import track

from fusionmedclip.outputs import whole_file
from fusionmedclip.pipeline.files import read_json
from fusionmedclip.provenance import commit_date, file_sha256
from fusionmedclip.reporting.verification.packing import check_verified

__all__ = ["write_crate"]

_LICENCE = "https://spdx.org/licenses/Apache-2.0"
_DATE = (1980, 1, 1, 0, 0, 0)  # of every file in the archive, so that equal contents are equal bytes
_WITH_THE_WORKFLOW = ("rules/*.smk", "rules/captions/*.rst")
_KINDS = {".csv": "text/csv", ".html": "text/html", ".json": "application/json", ".md": "text/markdown",
          ".npz": "application/zip", ".pdf": "application/pdf", ".png": "image/png",
          ".rst": "text/x-rst", ".tex": "application/x-tex", ".yaml": "application/yaml"}  # fmt: skip


def write_crate(
    *,
    results: str | Path,
    files: Sequence[str | Path],
    metrics: Sequence[str | Path],
    datasheets: Sequence[str | Path],
    titles: Mapping[str, str],
    workflow: str | Path,
    configuration: Mapping[str, Any],
    out: str | Path,
    verification: str | Path | None = None,
) -> None:
    """Write ``crate.zip`` after RO-Crate 1.1 (Soiland-Reyes et al., Data Science 5, 2022).

    It holds what the numbers are made of: tables, figures, report, metrics, scores, support sets. Of images
    it holds those that figures show; whoever publishes the archive publishes those.

    Parameters
    ----------
    results : path
        Folder that the other paths lie in; names in the archive are relative to it.
    files : sequence of paths
        Tables, figures and report.
    metrics : sequence of paths
        Metrics files; scores and support sets of the same runs are added.
    datasheets : sequence of paths
        ``datasheet.json`` of each data set.
    titles : mapping
        Of data sets.
    workflow : path
        ``Snakefile``; its folder's ``rules/``, and the captions that they name, go with it.
    configuration : mapping
        As resolved.
    out : path
    verification : path, optional
        ``verification.json``, which is packed too.

    Raises
    ------
    InputError
        If the verification names a file that was altered, deleted or contradicted, or any file, packed or
        not, is no longer the one that was verified. Files that were added are not packed, and stop nothing.
    """
    from rocrate.rocrate import ROCrate

    results = Path(results)
    records = [read_json(path) for path in metrics]
    sealed = [] if verification is None else [verification]
    held = _members(results, [*files, *metrics, *datasheets, *sealed, *_behind(results, metrics)])
    if verification is not None:
        check_verified(results, read_json(verification))
    source = Path(workflow)
    code = {f"workflow/{source.name}": source}
    for pattern in _WITH_THE_WORKFLOW:
        for path in sorted(source.parent.glob(pattern)):
            code[f"workflow/{path.relative_to(source.parent).as_posix()}"] = path

    crate = ROCrate(version="1.1")
    crate.name = f"FusionMedCLIP, {configuration['tier']} tier: tables, figures and what they were made from"
    crate.description = (
        f"{len(records)} runs of few-shot medical anomaly detection: their scores, metrics and tables, as "
        "the workflow in this archive made them."
    )
    crate.license = _add(crate, _LICENCE, {"@type": "CreativeWork", "name": "Apache-2.0"})
    crate.datePublished = datetime.fromisoformat(commit_date() or datetime.now(UTC).isoformat())
    main = f"workflow/{source.name}"
    flow = crate.add_workflow(
        dest_path=main, main=True, lang="snakemake", properties=_described(main, source)
    )
    within: dict[str, Path | None] = {**held, "config.yaml": None, **code}
    for name, place in within.items():
        if name != main:
            crate.add_file(dest_path=name, properties=_described(name, place))
    sheets = map(read_json, datasheets)
    used = [_add(crate, f"#{sheet['dataset']}", _dataset(sheet, titles)) for sheet in sheets]
    made = [crate.dereference(name) for name in held if name.startswith("tables/") or name == "report.html"]
    action = crate.add_action(flow, "#runs", object=[*used, crate.dereference("config.yaml")], result=made)
    action["name"] = "the runs behind the tables"
    action["description"] = _software(records)
    _write(Path(out), crate.metadata.generate(), {**held, **code}, configuration)


def _add(crate, identifier: str, properties: Mapping[str, Any]):
    from rocrate.model import ContextEntity

    return crate.add(ContextEntity(crate, identifier, dict(properties)))


def _behind(results: Path, metrics: Iterable[str | Path]) -> list[Path]:
    """Scores, pixel counts and support sets of some runs."""
    found = []
    for path in metrics:
        run = Path(path).relative_to(results / "metrics").with_suffix("")
        dataset, split, _method, k, seed = run.parts
        found += [results / "scores" / run / name for name in ("scores.csv", "pixel_counts.npz")]
        found.append(results / "support" / dataset / split / f"{k}_{seed}.csv")
    return found


def _members(results: Path, paths: Iterable[str | Path]) -> dict[str, Path]:
    named = {PurePosixPath(Path(path).relative_to(results)).as_posix(): Path(path) for path in paths}
    return dict(sorted(named.items()))


def _described(name: str, path: Path | None) -> dict[str, Any]:
    kind = _KINDS.get(PurePosixPath(name).suffix, "text/plain")
    described: dict[str, Any] = {"name": name, "encodingFormat": kind}
    if path is not None:
        described |= {"contentSize": str(path.stat().st_size), "sha256": file_sha256(path)}
    return described


def _dataset(sheet: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    known = {key: sheet[key] for key in ("citation", "publisher") if sheet.get(key)}
    return {
        "@type": "Dataset",
        "name": titles.get(sheet["dataset"], sheet["dataset"]),
        "description": f"{sheet['images']} images; not part of this archive",
        **({"url": sheet["homepage"]} if sheet.get("homepage") else {}),
        **({"usageInfo": sheet["licence"]} if sheet.get("licence") else {}),
        **({"citation": known["citation"]} if "citation" in known else {}),
        **({"creditText": known["publisher"]} if "publisher" in known else {}),
    }


def _software(records: Sequence[Mapping[str, Any]]) -> str:
    commits = sorted({str(record["provenance"]["commit"]) for record in records})
    packages = sorted({f"{n} {v}" for record in records for n, v in record["provenance"]["packages"].items()})
    devices = sorted({record["provenance"]["device"] for record in records})
    return f"commit {', '.join(commits)}; {', '.join(devices)}; {', '.join(packages)}"


def _write(
    out: Path, metadata: Mapping[str, Any], files: Mapping[str, Path], configuration: Mapping[str, Any]
) -> None:
    texts = {
        "ro-crate-metadata.json": json.dumps(metadata, indent=2, sort_keys=True) + "\n",
        "config.yaml": yaml.safe_dump(dict(configuration), allow_unicode=True),
    }
    with whole_file(out) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(_entry(name), text)
        for name, path in track(files.items(), description="Packing"):
            archive.writestr(_entry(name), path.read_bytes())


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry

"""What was made of a data set's images, made again from these, wherever they are at hand."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fusionmedclip.data.sources.manifest import read_manifest
from fusionmedclip.errors import InputError
from fusionmedclip.pipeline.datasets import curate_dataset, list_dataset, measure_dataset, prepare_dataset
from fusionmedclip.pipeline.files import read_json
from fusionmedclip.reporting.verification.compare import csv_difference, difference
from fusionmedclip.reporting.verification.findings import CONTRADICTED, Finding

__all__ = ["check_data", "sources_in"]

CLOSE = 1e-6
"""Of pixels in [0, 1]: resizing depends in its last digits on the processor."""


class _Made(NamedTuple):
    """One data set's files as they are, and a folder to make them again in."""

    folder: Path
    again: Path


def sources_in(results: Path, runs: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Sources of the data sets behind some runs that lie in the results themselves: phantoms."""
    found = {}
    for settings in runs:
        sets = {settings["dataset"]: settings, **settings["meta"]}
        for name, entry in sets.items():
            if entry["source"]["kind"] == "phantoms":
                path = str(results / "datasets" / name / "phantoms")
                found[name] = {"kind": "folder", "path": path, "normal": ["normal"], "abnormal": ["abnormal"],
                               "mask_folder": "masks"}  # fmt: skip
    return found


def check_data(
    results: str | Path,
    sources: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Mapping[str, Any]],
    named: Iterable[str],
    scratch: str | Path,
) -> tuple[list[Finding], list[str]]:
    """Files of data sets that their images do not give, and data sets that could not be looked at.

    Parameters
    ----------
    results : path
    sources : mapping
        Data set to its source, path made whole.
    settings : mapping
        Data set to the settings of a run that read it, which say how its images were prepared.
    named : iterable of str
        Files that something is wrong with already.
    scratch : path
        An empty folder to work in.

    Returns
    -------
    findings : list of Finding
    unchecked : list of str
        A sentence for each data set whose images are not at hand.
    """
    bad, findings, unchecked = set(named), [], []
    for name, used in settings.items():
        made = _Made(Path(results, "datasets", name), Path(scratch, name))
        files = {file: f"datasets/{name}/{file}" for file in _FILES}
        if files["manifest.csv"] in bad:
            continue  # all that is below rests on it
        found = {} if files["duplicates.csv"] in bad else _copies(made)
        source = sources.get(name)
        if source is None or not Path(source["path"]).expanduser().exists():
            where = "a configuration says where they lie" if source is None else f"not at {source['path']}"
            unchecked.append(
                f"{name}: its images ({where}), and with them manifest, pixels and near-duplicates"
            )
        else:
            made.again.mkdir(parents=True)
            found |= _from_images(name, made, source, used)
        findings += [
            Finding(files[file], CONTRADICTED, why)
            for file, why in found.items()
            if why and files[file] not in bad
        ]
    return findings, unchecked


_FILES = ("manifest.csv", "duplicates.csv", "curation.json", "statistics.csv", "images.npy", "masks.npy")


def _copies(made: _Made) -> dict[str, str]:
    """Files with the same bytes are duplicates, whether or not their pictures are at hand."""
    if not (made.folder / "duplicates.csv").is_file():
        return {}
    table = read_manifest(made.folder / "manifest.csv")
    marked = pd.read_csv(made.folder / "duplicates.csv", keep_default_na=False, dtype=str)
    if list(marked.columns) != ["image_id", "duplicate"] or list(marked["image_id"]) != list(
        table["image_id"]
    ):
        return {"duplicates.csv": "it does not list the images of the manifest"}
    groups = marked.assign(sha256=table["sha256"], path=table["file"].str.partition("#")[0])
    for _, same in groups.groupby("sha256", sort=False):
        if same["path"].nunique() > 1 and (same["duplicate"].nunique() > 1 or "" in set(same["duplicate"])):
            return {"duplicates.csv": f"{', '.join(same['image_id'][:3])} are the same bytes in no group"}
    return {}


def _from_images(
    name: str, made: _Made, source: Mapping[str, Any], used: Mapping[str, Any]
) -> dict[str, str]:
    """Each file that is there, and how it differs; what rests on a manifest that does is not made again."""
    again = {file: str(made.again / file) for file in _FILES}
    try:
        list_dataset(dataset=name, source=source, manifest=again["manifest.csv"])
        if not _same(made, "manifest.csv"):
            return {"manifest.csv": f"the images at {source['path']} give another"}
        curate_dataset(dataset=name, source=source, manifest=again["manifest.csv"],
                       curation=again["curation.json"], duplicates=again["duplicates.csv"])  # fmt: skip
        prepare_dataset(
            source=source,
            manifest=again["manifest.csv"],
            size=used["image_size"],
            form=used["images"],
            images=again["images.npy"],
            masks=again["masks.npy"],
        )
        if (made.folder / "statistics.csv").is_file():
            measure_dataset(source=source, manifest=again["manifest.csv"], statistics=again["statistics.csv"])
    except InputError as error:
        return {
            "manifest.csv": f"the images at {source['path']} cannot be read: {str(error).splitlines()[0]}"
        }
    there = [file for file in _FILES if (made.folder / file).is_file()]
    return {file: _difference(made, file) for file in there}


def _same(made: _Made, file: str) -> bool:
    return (made.folder / file).read_bytes() == (made.again / file).read_bytes()


def _difference(made: _Made, file: str) -> str:
    if _same(made, file):
        return ""
    try:
        return _how(made, file)
    except (ValueError, OSError, KeyError) as error:
        return f"it cannot be read: {error!r}"


def _how(made: _Made, file: str) -> str:
    written, again = made.folder / file, made.again / file
    if file.endswith(".npy"):
        ours, theirs = (np.load(path, mmap_mode="r") for path in (written, again))
        close = ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=0, atol=CLOSE)
        return "" if close else "the images give other pixels"
    if file.endswith(".json"):
        return difference(read_json(written), read_json(again))
    return csv_difference(written.read_text(), again.read_text())

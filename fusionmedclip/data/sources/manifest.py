"""One line an image: what there is, and exactly which bytes.

A manifest holds no absolute path: files are relative to the source's root (:func:`source_root`), so it is the
same bytes wherever the data lie.
"""

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.data.files.digests import sha256_of_image
from fusionmedclip.data.parallel import map_files
from fusionmedclip.data.problems import Problems
from fusionmedclip.data.reading.read import read_with_mask
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.data.sources.keys import source_root
from fusionmedclip.data.sources.records import Listing, Record
from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.data.sources.text_tables import read_table
from fusionmedclip.errors import InputError
from fusionmedclip.outputs import whole_file

__all__ = ["COLUMNS", "build_manifest", "known_masks", "read_manifest", "source_root", "write_manifest"]

COLUMNS = ("image_id", "file", "sha256", "label", "class", "mask", "split", "group")


def build_manifest(source: Mapping, *, dataset: str, threads: int | None = None) -> pd.DataFrame:
    """List, read and hash every image and mask of a source.

    Every file is decoded once, so what a manifest lists can be read.

    Parameters
    ----------
    source : mapping
        See :func:`fusionmedclip.data.sources.registry.list_source`.
    dataset : str
        Identifier for messages.
    threads : int, optional
        Does not change the result.

    Returns
    -------
    DataFrame
        Columns ``image_id`` (unique, sorted), ``file``, ``sha256``, ``label`` (0 normal, 1 abnormal),
        ``class``, ``mask`` (files joined by ``;``, or empty), ``split`` and ``group`` (the source's own, or
        empty).

    Raises
    ------
    InputError
        One error that names every missing, unreadable or inconsistent file.
    """
    listing = list_source(source)
    settings = ReadSettings.from_config(source.get("read"))
    rows, problems = inspect_listing(listing, settings=settings, threads=threads)
    problems.raise_if_any(f"data set {dataset!r} in {listing.root}")
    return pd.DataFrame(rows, columns=list(COLUMNS))


def inspect_listing(
    listing: Listing, *, settings: ReadSettings, threads: int | None = None
) -> tuple[list[dict], Problems]:
    """Rows of the manifest for what can be read, and the problems of what cannot."""
    problems = Problems()
    problems.extend(listing.problems)
    rows: list[dict] = []
    seen: dict[str, str] = {}

    def inspect(record: Record) -> dict | InputError:
        try:
            return _row(record, listing.root, settings)
        except InputError as error:
            return error

    for row in map_files(inspect, listing.records, title="Reading images", threads=threads):
        if isinstance(row, InputError):
            problems.add(row)
        elif row["image_id"] in seen:
            problems.add(f"{row['file']}: same image_id as {seen[row['image_id']]}")
        else:
            seen[row["image_id"]] = row["file"]
            rows.append(row)
    return sorted(rows, key=lambda row: row["image_id"]), problems


def _row(record: Record, root: Path, settings: ReadSettings) -> dict:
    path = root / record.file
    if any(";" in mask for mask in record.masks):
        raise InputError(f"{path}: `;` in the name of a mask", hint="rename the file")
    cells = (record.file, *record.masks, record.class_name, record.split, record.group)
    if torn := [cell for cell in cells if "\r" in cell]:  # pandas 3 writes it without quotes, as a row's end
        what = f"{path}: a carriage return in a name, class, split or group"
        raise InputError(what, received=torn[0], hint="rename it, or take it out of the table")
    read_with_mask(path, [root / mask for mask in record.masks], settings=settings)
    return {
        # macOS writes decomposed names, Linux composed ones; an identifier is the same on both
        "image_id": unicodedata.normalize("NFC", record.file),
        "file": record.file,
        "sha256": sha256_of_image(path),
        "label": record.label,
        "class": record.class_name,
        "mask": ";".join(record.masks),
        "split": record.split,
        "group": record.group,
    }


def known_masks(manifest: pd.DataFrame) -> np.ndarray:
    """(N,) bool: whether the pixels' truth is known, from a mask file or because the image is normal."""
    return ((manifest["label"] == 0) | (manifest["mask"] != "")).to_numpy()


def write_manifest(manifest: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write a checked manifest as CSV, whole or not at all."""
    _check(manifest, "the manifest")
    with whole_file(path) as temporary:
        manifest.to_csv(temporary, index=False, lineterminator="\n")


def read_manifest(path: str | os.PathLike) -> pd.DataFrame:
    """Read what :func:`write_manifest` wrote; a broken table is an :class:`InputError`."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such manifest")
    manifest = read_table(path, required=COLUMNS).reset_index(drop=True)
    if not manifest["label"].isin(["0", "1"]).all():
        raise InputError(f"{path}: labels must be 0 or 1", received=sorted(set(manifest["label"])))
    manifest["label"] = manifest["label"].astype("int64")
    _check(manifest, str(path))
    return manifest


def _check(manifest: pd.DataFrame, name: str) -> None:
    missing = [column for column in COLUMNS if column not in manifest]
    if missing:
        raise InputError(f"{name}: missing columns", received=list(manifest), allowed=", ".join(COLUMNS))
    ids = manifest["image_id"]
    wrong = ids[ids.duplicated() | (ids == "")]
    if len(wrong):
        raise InputError(f"{name}: image_id must be unique and not empty", received=list(wrong))
    if not manifest["label"].isin([0, 1]).all():
        raise InputError(f"{name}: labels must be 0 or 1", received=sorted(set(manifest["label"])))

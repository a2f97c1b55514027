"""Stages about where a data set comes from: getting it, and the datasheet beside its manifest."""

import os
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from fusionmedclip.data.acquisition.acquire import Acquired, acquire
from fusionmedclip.data.acquisition.checksums import shipped_checksums, verify_folder
from fusionmedclip.data.acquisition.settings import AcquireSettings
from fusionmedclip.data.curation.datasheet import datasheet
from fusionmedclip.data.sources.manifest import read_manifest, source_root
from fusionmedclip.pipeline.files import write_json

__all__ = ["acquire_dataset", "write_datasheet"]


def acquire_dataset(
    *, name: str, settings: Mapping, folder: str, out: str, terminal: int | None = None
) -> None:
    """Put a public data set in its place, or stop with the steps to take; record what was found.

    Parameters
    ----------
    name : str
        Of the data set or caption set.
    settings : mapping
        Its ``acquire`` entry, see :class:`fusionmedclip.data.acquisition.settings.AcquireSettings`.
    folder : str
        Where it belongs. What is there already is only checked.
    out : str
        JSON: origin, digests of what was downloaded, comparison with the shipped checksums, no path of this
        machine.
    terminal : int, optional
        Open file descriptor on which progress is shown, since a job's own output goes to its log.

    Raises
    ------
    InputError
        See :func:`fusionmedclip.data.acquisition.acquire.acquire`.
    """
    origin = AcquireSettings.from_config(settings)
    console = None if terminal is None else Console(file=os.fdopen(terminal, "w"))
    found = acquire(origin, Path(folder).expanduser(), dataset=name, console=console)
    print(found.text())
    record = {key: getattr(origin, key) for key in ("publisher", "homepage", "licence", "citation")}
    verification = None if found.verification is None else found.verification.to_dict()
    if verification is not None:
        verification["same"] = len(verification["same"])
    write_json(out, {"name": name, **record, "sha256": found.sha256, "verification": verification})


def write_datasheet(
    *,
    dataset: str,
    source: Mapping,
    acquire: Mapping | None,
    stated: Mapping[str, str],
    manifest: str,
    out: str,
) -> None:
    """Write counts, licence, citation and origin of a data set; nothing is ever downloaded for it.

    Parameters
    ----------
    dataset : str
    source : mapping
        With its path.
    acquire : mapping or None
        The ``acquire`` entry where the source is that public set.
    stated : mapping
        ``licence`` and ``citation`` of the configuration's entry, which win over those of ``acquire``.
    manifest, out : str
    """
    origin = None if acquire is None else AcquireSettings.from_config(acquire)
    found = None
    if origin is not None:
        root = source_root(source)
        listed = origin.checksums and verify_folder(root, shipped_checksums(origin.checksums))
        found = Acquired(folder=root, downloaded=False, sha256={}, verification=listed or None)
    sheet = datasheet(read_manifest(manifest), dataset=dataset, source=source, acquire=origin, acquired=found)
    write_json(out, {**sheet, **stated})

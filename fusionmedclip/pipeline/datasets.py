"""Stages before any model: manifest, pixels, split, support set."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.data.curation.curate import curate, write_curation
from fusionmedclip.data.curation.statistics import image_statistics
from fusionmedclip.data.phantoms import write_phantom_captions, write_phantom_dataset
from fusionmedclip.data.reading.pixels import prepare_pixels
from fusionmedclip.data.reading.settings import ImageSettings, ReadSettings
from fusionmedclip.data.sources.manifest import (
    build_manifest,
    known_masks,
    read_manifest,
    source_root,
    write_manifest,
)
from fusionmedclip.data.splits import make_split
from fusionmedclip.data.support import draw_support
from fusionmedclip.pipeline.files import write_text
from fusionmedclip.settings import build

__all__ = [
    "curate_dataset",
    "draw_phantom_captions",
    "draw_phantoms",
    "list_dataset",
    "measure_dataset",
    "prepare_dataset",
    "sample_support",
    "split_dataset",
]


def draw_phantoms(*, source: Mapping, out: str) -> None:
    """Draw a data set of phantoms whose lesions are known."""
    write_phantom_dataset(
        Path(out),
        source["modality"],
        size=source["size"],
        n_normal=source["normal"],
        n_abnormal=source["abnormal"],
        seed=source["seed"],
    )


def draw_phantom_captions(*, source: Mapping, out: str) -> None:
    """Draw phantoms with captions in ROCO's layout."""
    write_phantom_captions(
        Path(out),
        size=source["size"],
        n_train=source["train"],
        n_validation=source["validation"],
        n_test=source["test"],
        seed=source["seed"],
    )


def list_dataset(*, dataset: str, source: Mapping, manifest: str) -> None:
    """Write the manifest of a data set: every file read once and hashed."""
    write_manifest(build_manifest(source, dataset=dataset), manifest)


def prepare_dataset(
    *, source: Mapping, manifest: str, size: int, form: Mapping, images: str, masks: str
) -> None:
    """Write the pixels of a manifest at the working size, in the form of :class:`ImageSettings`.

    ``images``: (N, S, S) float32 in [0, 1], or in colour (N, S, S, 3). ``masks``: (N, S, S) uint8, 1 on
    lesions, 0 elsewhere, and 2 throughout an image whose lesion outline is not known.
    """
    table = read_manifest(manifest)
    settings = ReadSettings.from_config(source.get("read"))
    made = build(ImageSettings, form, where="images")
    pixels, truth = prepare_pixels(table, source_root(source), size, settings=settings, form=made)
    truth = truth.astype(np.uint8)
    truth[~known_masks(table)] = 2
    np.save(images, pixels)
    np.save(masks, truth)


def curate_dataset(*, dataset: str, source: Mapping, manifest: str, curation: str, duplicates: str) -> None:
    """Write what is wrong with a data set, and which images are duplicates of each other."""
    found, marked = curate(
        read_manifest(manifest),
        source_root(source),
        dataset=dataset,
        read=ReadSettings.from_config(source.get("read")),
    )
    write_curation(found, curation)
    write_text(duplicates, marked[["image_id", "duplicate"]].to_csv(index=False, lineterminator="\n"))


def measure_dataset(*, source: Mapping, manifest: str, statistics: str) -> None:
    """Write what can be said of each file without looking at the anatomy: the material of the controls."""
    settings = ReadSettings.from_config(source.get("read"))
    table = image_statistics(read_manifest(manifest), source_root(source), settings=settings)
    write_text(statistics, table.to_csv(index=False, lineterminator="\n"))


def split_dataset(
    *,
    manifest: str,
    name: str,
    test: Mapping,
    seed: int,
    out: str,
    duplicates: str | None = None,
    published: bool = False,
) -> None:
    """Write who is tested and who may be drawn as support."""
    table = read_manifest(manifest)
    if duplicates is not None:
        table["duplicate"] = pd.read_csv(duplicates, keep_default_na=False)["duplicate"].to_numpy()
    split = make_split(
        table,
        name=name,
        test_normal=test["normal"],
        test_abnormal=test.get("abnormal"),
        seed=seed,
        published=published,
    )
    write_text(out, split.to_csv(index=False, lineterminator="\n"))


def sample_support(*, split: str, k: int, seed: int, dataset: str, supports: str, out: str) -> None:
    """Write the k support images of one seed; ``supports`` is ``nested`` or ``independent``."""
    table = pd.read_csv(split, keep_default_na=False, dtype={"image_id": str})
    support = draw_support(table, k=k, seed=seed, dataset=dataset, nested=supports == "nested")
    write_text(out, support.to_csv(index=False, lineterminator="\n"))

"""Stages that draw from the images of a data set."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.data.curation import read_curation
from fusionmedclip.data.manifest import read_manifest, source_root
from fusionmedclip.data.settings import ReadSettings
from fusionmedclip.reporting.curation_page import curation_page
from fusionmedclip.reporting.synthesis_gallery import draw_synthesis_gallery
from fusionmedclip.settings import build
from fusionmedclip.synthesis import SynthesisSettings

__all__ = ["synthesis_gallery", "write_curation_page"]


def synthesis_gallery(
    *,
    manifest: str | Path,
    images: str | Path,
    support: str | Path,
    settings: Mapping,
    seed: int,
    title: str,
    out: str | Path,
) -> None:
    """Draw every synthesis task on one support set, with the settings that training uses."""
    ids = pd.read_csv(support, keep_default_na=False, dtype={"image_id": str})["image_id"]
    rows = pd.Index(read_manifest(manifest)["image_id"]).get_indexer(ids)
    draw_synthesis_gallery(
        np.array(np.load(images, mmap_mode="r")[rows]),
        out=out,
        settings=build(SynthesisSettings, settings, where="synthesis"),
        seed=seed,
        title=title,
    )


def write_curation_page(
    *,
    sources: Mapping[str, Mapping],
    manifests: Sequence[str | Path],
    curations: Sequence[str | Path],
    out: str | Path,
) -> None:
    """Write the curation page of some data sets, in the order of ``sources``."""
    names = list(sources)
    curation_page(
        [read_curation(path) for path in curations],
        {name: read_manifest(path) for name, path in zip(names, manifests, strict=True)},
        {name: source_root(source) for name, source in sources.items()},
        out,
        read={name: ReadSettings.from_config(source.get("read")) for name, source in sources.items()},
    )

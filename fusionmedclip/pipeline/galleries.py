"""Stages that draw from the images of a data set."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.data.manifest import read_manifest
from fusionmedclip.reporting.synthesis_gallery import draw_synthesis_gallery
from fusionmedclip.settings import build
from fusionmedclip.synthesis import SynthesisSettings

__all__ = ["synthesis_gallery"]


def synthesis_gallery(
    *, manifest: Path, images: Path, support: Path, settings: Mapping, seed: int, title: str, out: Path
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

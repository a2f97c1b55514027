"""Look once at every file of a manifest: statistics, fingerprints and masks from one reading."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.data.fingerprints import THUMBNAIL, Fingerprints, fingerprint
from fusionmedclip.data.kinds import kind_of, split_slice
from fusionmedclip.data.parallel import map_files
from fusionmedclip.data.raster import open_page
from fusionmedclip.data.readers import read_with_mask
from fusionmedclip.data.settings import ReadSettings
from fusionmedclip.data.statistics import CATEGORIES, PROPERTIES, describe

__all__ = ["Examination", "examine"]


@dataclass(frozen=True)
class Examination:
    """What was seen of N images.

    Attributes
    ----------
    statistics : DataFrame
        See :func:`fusionmedclip.data.statistics.image_statistics`, and ``mask_share`` (lesion pixels over
        all, NaN without a mask file) and ``mask_levels`` (true where a mask holds values from 1 to 127 only,
        which count as background).
    fingerprints : Fingerprints
    """

    statistics: pd.DataFrame
    fingerprints: Fingerprints


def examine(
    manifest: pd.DataFrame, root: Path, *, settings: ReadSettings | None = None, threads: int | None = None
) -> Examination:
    """Read every image and mask of a manifest once; memory grows with their number, not their pixels."""
    root = Path(root)

    def work(row: tuple[str, str]) -> tuple[dict, np.uint64, np.ndarray]:
        path, masks = root / row[0], [root / name for name in row[1].split(";") if name]
        image, mask = read_with_mask(path, masks, settings=settings)
        facts = describe(path, image)
        facts["mask_share"] = np.nan if mask is None else float(mask.mean())
        facts["mask_levels"] = mask is not None and not mask.any() and any(_dim(path) for path in masks)
        return facts, *fingerprint(image)

    rows = list(zip(manifest["file"], manifest["mask"], strict=True))
    facts, hashes = [], np.zeros(len(rows), np.uint64)
    thumbnails = np.zeros((len(rows), THUMBNAIL, THUMBNAIL), np.uint8)
    for index, (one, bits, thumbnail) in enumerate(
        map_files(work, rows, title="Examining images", threads=threads)
    ):
        facts.append(one)
        hashes[index], thumbnails[index] = bits, thumbnail
    columns = [*PROPERTIES, *CATEGORIES, "burned_in", "mask_share", "mask_levels"]
    statistics = pd.DataFrame(facts, columns=columns)
    statistics.insert(0, "image_id", manifest["image_id"].to_numpy())
    return Examination(statistics, Fingerprints(hashes, thumbnails))


def _dim(path: Path) -> bool:
    """Whether an (empty) mask file holds labels such as 0 and 1 where 0 and 255 are expected."""
    file, index = split_slice(path)
    return kind_of(file) == "raster" and bool(np.asarray(open_page(file, frame=index).image).any())

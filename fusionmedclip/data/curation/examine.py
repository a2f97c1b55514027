"""Look once at every file of a manifest: statistics, fingerprints and masks from one reading."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.data.curation.fingerprints import THUMBNAIL, Fingerprints, fingerprint
from fusionmedclip.data.curation.mask_looks import MaskLook, mask_look, turned_mask
from fusionmedclip.data.curation.statistics import CATEGORIES, PROPERTIES, describe
from fusionmedclip.data.parallel import map_files
from fusionmedclip.data.reading.read import read_with_mask
from fusionmedclip.data.reading.settings import ReadSettings

__all__ = ["Examination", "examine"]

_MASK_FACTS = ("mask_share", "mask_border", "mask_look", "mask_says", "mask_turned")


@dataclass(frozen=True)
class Examination:
    """What was seen of N images.

    Attributes
    ----------
    statistics : DataFrame
        See :func:`fusionmedclip.data.curation.statistics.image_statistics`; ``pictures`` (frames of a picture
        file, volumes of a series in time) and ``few_levels`` (of at most eight grey values); ``mask_share``
        (lesion pixels over all, NaN without a mask file), ``mask_border`` (the same along the border),
        ``mask_look`` and ``mask_says`` (see :func:`fusionmedclip.data.curation.mask_looks.mask_look`) and
        ``mask_turned`` (see :func:`fusionmedclip.data.curation.mask_looks.turned_mask`).
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
        facts |= _mask_facts(path, masks, mask, settings or ReadSettings())
        return facts, *fingerprint(image)

    rows = list(zip(manifest["file"], manifest["mask"], strict=True))
    facts, hashes = [], np.zeros(len(rows), np.uint64)
    thumbnails = np.zeros((len(rows), THUMBNAIL, THUMBNAIL), np.uint8)
    for index, (one, bits, thumbnail) in enumerate(
        map_files(work, rows, title="Examining images", threads=threads)
    ):
        facts.append(one)
        hashes[index], thumbnails[index] = bits, thumbnail
    columns = [*PROPERTIES, *CATEGORIES, "burned_in", "pictures", "few_levels", *_MASK_FACTS]
    statistics = pd.DataFrame(facts, columns=columns)
    statistics.insert(0, "image_id", manifest["image_id"].to_numpy())
    return Examination(statistics, Fingerprints(hashes, thumbnails))


def _mask_facts(path: Path, files: list[Path], mask: np.ndarray | None, settings: ReadSettings) -> dict:
    if mask is None:
        return dict(zip(_MASK_FACTS, (np.nan, np.nan, "", "", ""), strict=True))
    looks = [(file, mask_look(file, settings)) for file in files]
    file, odd = next(((file, look) for file, look in looks if look.kind), (path, MaskLook()))
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    return {
        "mask_share": float(mask.mean()),
        "mask_border": float(border.mean()),
        "mask_look": odd.kind,
        "mask_says": f"mask {file.name} {odd.says}" if odd.kind else "",
        "mask_turned": turned_mask(path, files, settings),
    }

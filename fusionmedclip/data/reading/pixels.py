"""Pixels of a whole manifest at the working size."""

from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.data.parallel import map_files
from fusionmedclip.data.reading.read import read_with_mask
from fusionmedclip.data.reading.resize import resize_image, resize_mask
from fusionmedclip.data.reading.settings import ImageSettings, ReadSettings

__all__ = ["prepare_pixels"]


def prepare_pixels(
    manifest: pd.DataFrame,
    root: Path,
    size: int,
    *,
    settings: ReadSettings | None = None,
    form: ImageSettings | None = None,
    threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Read and resize all images and masks of a manifest, in its order.

    Parameters
    ----------
    manifest : DataFrame
        See :func:`fusionmedclip.data.sources.manifest.build_manifest`.
    root : Path
        The source's root, :func:`fusionmedclip.data.sources.manifest.source_root`.
    size : int
        Side in pixels.
    settings : ReadSettings, optional
        How files are read.
    form : ImageSettings, optional
        Grey or colour, and how images are resized.
    threads : int, optional
        Does not change the result.

    Returns
    -------
    images : (N, size, size) float32 array, or in colour (N, size, size, 3)
        In [0, 1].
    masks : (N, size, size) bool array
        True on lesions; all False where the manifest names no mask (see
        :func:`fusionmedclip.data.sources.manifest.known_masks` for which of those are known to be empty).

    Raises
    ------
    InputError
        When a file cannot be read, or a mask has another size than its image.
    """
    root = Path(root)
    rows = list(zip(manifest["file"], manifest["mask"], strict=True))
    form = form or ImageSettings()
    images = np.empty((len(rows), size, size, *([3] if form.colour else [])), np.float32)
    masks = np.zeros((len(rows), size, size), bool)

    def prepare(row: tuple[str, str]) -> tuple[np.ndarray, np.ndarray | None]:
        file, mask_files = row
        names = [root / name for name in mask_files.split(";") if name]
        image, mask = read_with_mask(root / file, names, settings=settings, colour=form.colour)
        return resize_image(image, size, form=form), None if mask is None else resize_mask(mask, size)

    for index, (image, mask) in enumerate(
        map_files(prepare, rows, title="Preparing pixels", threads=threads)
    ):
        images[index] = image
        if mask is not None:
            masks[index] = mask
    return images, masks

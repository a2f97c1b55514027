"""What can be said of an image file without looking at the anatomy: the shortcuts a classifier may take."""

from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.data.files.folders import data_files
from fusionmedclip.data.files.kinds import is_dicom_file, kind_of, split_slice
from fusionmedclip.data.parallel import map_files
from fusionmedclip.data.reading.raster.image import raster_facts
from fusionmedclip.data.reading.read import read_image
from fusionmedclip.data.reading.settings import ReadSettings

__all__ = ["CATEGORIES", "PROPERTIES", "describe", "image_statistics"]

PROPERTIES = (
    "width",
    "height",
    "area",
    "aspect",
    "bytes",
    "mean",
    "std",
    "max",
    "border_mean",
    "border_dark",
)
"""Numeric columns, any of which may separate the classes by itself."""

CATEGORIES = ("suffix", "format", "mode")
"""Columns of text."""

_DARK = 16 / 255  # black of 8-bit video levels; scanners and viewers leave a little noise around the head
_FEW = 8  # grey values
_SAMPLE = 4096  # pixels
_BORDER = 16  # the border is 1/16 of each side wide


def image_statistics(
    manifest: pd.DataFrame, root: Path, *, settings: ReadSettings | None = None, threads: int | None = None
) -> pd.DataFrame:
    """Properties of every image of a manifest, in its order.

    Returns
    -------
    DataFrame
        ``image_id``; ``width``, ``height`` (pixels), ``area`` (width x height), ``aspect`` (width / height),
        ``bytes`` (of the file, in total for a folder); ``mean``, ``std`` and ``max`` of the grey values in
        [0, 1]; ``border_mean``, the mean over a frame of 1/16 of each side; ``border_dark``, the share of
        that frame below 16/255; ``suffix`` (lower case), ``format`` (by the bytes) and ``mode`` (how pixels
        are stored); ``burned_in``: a DICOM header says that identity is written into the pixels.
    """

    def work(file: str) -> dict:
        path = Path(root) / file
        return describe(path, read_image(path, settings=settings))

    rows = list(map_files(work, list(manifest["file"]), title="Measuring images", threads=threads))
    table = pd.DataFrame(rows, columns=[*PROPERTIES, *CATEGORIES, "burned_in"])
    table.insert(0, "image_id", manifest["image_id"].to_numpy())
    return table


def describe(path: Path, image: np.ndarray) -> dict[str, float | str]:
    """Properties of one image; ``image`` is what :func:`~fusionmedclip.data.read_image` gave for it."""
    file, index = split_slice(path)
    height, width = image.shape
    rows, columns = max(1, height // _BORDER), max(1, width // _BORDER)
    inside = np.zeros(image.shape, bool)
    inside[rows : height - rows, columns : width - columns] = True
    border = image[~inside]
    form, mode, burned_in, pictures = _stored_as(file)
    files = data_files(file, below=False) if file.is_dir() else [file]
    return {
        "width": width,
        "height": height,
        "area": width * height,
        "aspect": width / height,
        "bytes": sum(item.stat().st_size for item in files),
        "mean": float(image.mean(dtype=np.float64)),
        "std": float(image.std(dtype=np.float64)),
        "max": float(image.max()),
        "border_mean": float(border.mean(dtype=np.float64)),
        "border_dark": float((border < _DARK).mean()),
        "suffix": "".join(file.suffixes[-2:]).lower() if file.name.endswith(".gz") else file.suffix.lower(),
        "format": form,
        "mode": mode,
        "burned_in": burned_in,
        "pictures": 1 if index is not None and form != "NIfTI" else pictures,
        "few_levels": _few_levels(image),
    }


def _few_levels(image: np.ndarray) -> bool:
    """Whether a picture has two to eight grey values, as masks have and scans do not."""
    first = np.unique(image.ravel()[:: image.size // _SAMPLE | 1])
    return len(first) <= _FEW and 2 <= len(np.unique(image)) <= _FEW


def _stored_as(file: Path) -> tuple[str, str, bool, int]:
    """True format, mode of the pixels, whether identity is burnt in, pictures; nothing else of a header."""
    kind = kind_of(file)
    if kind == "raster":
        facts = raster_facts(file)
        return facts.format, facts.mode, False, facts.pictures
    if kind == "volume":
        from fusionmedclip.data.reading.nifti import nifti_volume_count  # nibabel takes long to import

        return "NIfTI", "volume", False, nifti_volume_count(file)
    from fusionmedclip.data.reading.dicom.header import read_header  # pydicom takes long to import

    first = next(filter(is_dicom_file, data_files(file, below=False))) if kind == "series" else file
    header = read_header(first, pixels=False)
    mode = f"{header.get('PhotometricInterpretation', '')} {header.get('BitsStored', '')} bit".strip()
    return "DICOM", mode, str(header.get("BurnedInAnnotation", "")).upper() == "YES", 1

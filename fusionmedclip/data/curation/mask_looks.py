"""What a mask file looks like: an outline drawn on the picture, labels, colours, or a mask."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from fusionmedclip.data.files.kinds import kind_of, split_slice
from fusionmedclip.data.reading.masks import mask_values
from fusionmedclip.data.reading.raster.image import open_page, orientation_of
from fusionmedclip.data.reading.raster.values import Page, stored_colours, stored_values
from fusionmedclip.data.reading.settings import ReadSettings

__all__ = ["MaskLook", "mask_look", "turned_mask"]

_FEW = 16  # values: classes of a segmentation; more are grey levels, or the noise of a JPEG
_NOISE = 1 / 8  # of full scale: as far from black and white as JPEG carries noise
_BETWEEN = 0.05  # of the pixels; the soft edge of an enlarged mask has less
_SOME = 5e-4  # of the pixels
_ENOUGH = 2**20  # voxels


@dataclass(frozen=True)
class MaskLook:
    """What is odd about a mask.

    Attributes
    ----------
    kind : str
        ``mask_picture``, ``mask_colours`` or ``mask_levels``, keys of
        :data:`fusionmedclip.data.curation.findings.KINDS`; empty for a mask in order.
    says : str
        Values and shares, to be read after the file's name.
    """

    kind: str = ""
    says: str = ""


def mask_look(path: Path, settings: ReadSettings) -> MaskLook:
    """Look at the values of one mask file, as it is read with these settings."""
    file, index = split_slice(path)
    if kind_of(file) == "raster":
        return _of_page(open_page(file, frame=index), settings)
    return _of_volume(file, file.stat().st_mtime_ns)


def turned_mask(image: Path, masks: list[Path], settings: ReadSettings) -> str:
    """How the orientation in a header concerns masks: empty, or a sentence for a finding."""
    files = [split_slice(path)[0] for path in (image, *masks)]
    if not settings.exif or any(kind_of(file) != "raster" for file in files):
        return ""
    picture, *others = (orientation_of(file) for file in files)
    if all(other == picture for other in others):
        return ""
    mask = next(other for other in others if other != picture)
    return f"turned by its header (orientation {picture}), its mask {files[1].name} otherwise ({mask})"


def _of_page(page: Page, settings: ReadSettings) -> MaskLook:
    colours = stored_colours(page).astype(np.float32)
    values, full = _values(page, settings)
    count = len(np.unique(values))
    share = f"{_percent(values > full / 2)} of it counts as lesion"
    between = float(((values > _NOISE * full) & (values < (1 - _NOISE) * full)).mean())
    if count > _FEW and between > _BETWEEN:
        return MaskLook("mask_picture", f"has {count} grey values; {share}")
    if settings.mask == "nonzero":
        if count > _FEW and float(((values > 0) & (values < _NOISE * full)).mean()) > _SOME:
            return MaskLook("mask_picture", f"has {count} grey values; its noise counts as lesion")
        return MaskLook()
    bright = colours.max(axis=-1) if colours.ndim == 3 else values
    counted = values > full / 2
    lost = (bright > (_NOISE * full if count > _FEW else 0)) & ~counted
    if not lost.any() or (counted.any() and _is_edge(lost, counted, noisy=count > _FEW)):
        return MaskLook()
    if colours.ndim == 3 and float((np.ptp(colours, axis=-1) > _NOISE * full).mean()) > 0:
        found = np.unique(colours[lost].astype(int), axis=0)[:4].tolist()
        named = ", ".join(f"({r}, {g}, {b})" for r, g, b in found)
        return MaskLook("mask_colours", f"has colours too dark to count as lesion: {named}; {share}")
    named = ", ".join(f"{value:g}" for value in np.unique(values[lost])[:6])
    return MaskLook("mask_levels", f"has values that do not count as lesion: {named}; {share}")


def _values(page: Page, settings: ReadSettings) -> tuple[np.ndarray, float]:
    if settings.mask != "nonzero":
        return mask_values(page)
    values, full, _ = stored_values(page)  # of any scale, since only 0 counts
    return values, full or max(1.0, float(values.max()))


def _is_edge(lost: np.ndarray, counted: np.ndarray, *, noisy: bool) -> bool:
    """Whether what does not count is the soft edge of what does: thin, or in a JPEG less than it."""
    if noisy:
        return bool(lost.sum() <= counted.sum())
    return not cv2.erode(lost.astype(np.uint8), np.ones((3, 3), np.uint8)).any()


@lru_cache(maxsize=8)
def _of_volume(file: Path, stamp: int) -> MaskLook:
    """Of DICOM and NIfTI, where every label above 0 counts; once for all slices of a file."""
    from fusionmedclip.data.reading.volumes import stored_volume  # pydicom and nibabel take long to import

    values = stored_volume(file).ravel()
    values = values[:: values.size // _ENOUGH | 1]
    count = len(np.unique(values))
    if count <= _FEW:
        return MaskLook()
    return MaskLook("mask_picture", f"has {count} grey values; {_percent(values > 0)} of it counts as lesion")


def _percent(mask: np.ndarray) -> str:
    return f"{100 * float(mask.mean()):.0f} %"

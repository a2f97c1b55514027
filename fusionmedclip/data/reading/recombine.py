"""What was said of slices, put together again for their volumes."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image

from fusionmedclip.data.files.kinds import kind_of
from fusionmedclip.data.reading.nifti import cut_axis, from_slices, in_stored_order, nifti_grid
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError
from fusionmedclip.outputs import whole_file

__all__ = [
    "REDUCTIONS",
    "reduce_scores",
    "save_volume",
    "write_map_volume",
]

REDUCTIONS = ("max", "mean", "top")
_TOP = 0.1  # share of slices that `top` averages
_PACKING = 1  # of gzip: floats hardly get smaller by more, and it takes ten times as long


def reduce_scores(scores: np.ndarray, how: str = "max") -> float:
    """One score of the scores of a volume's slices.

    Parameters
    ----------
    scores : (n,) array
    how : {"max", "mean", "top"}
        ``top`` is the mean over the tenth of the slices (at least one) that score highest: steadier than the
        maximum, and not diluted by the slices without a lesion as the mean is.
    """
    if how not in REDUCTIONS:
        raise InputError("unknown reduction of scores", received=how, allowed=", ".join(REDUCTIONS))
    values = np.sort(np.asarray(scores, float))[::-1]
    used = {"max": 1, "mean": len(values), "top": max(1, round(_TOP * len(values)))}[how]
    return float(values[:used].mean())


def write_map_volume(
    indices: Sequence[int],
    maps: np.ndarray,
    *,
    like: Path,
    target: Path,
    settings: ReadSettings | None = None,
) -> None:
    """Write the maps of a NIfTI volume's slices as a NIfTI volume of the same shape and affine.

    Parameters
    ----------
    indices : sequence of int
        Slice numbers along ``settings.axis``; slices without a map are 0.
    maps : (S, h, w) float array
        At the working size; stretched to the slice.
    like : Path
        The volume that was scored; only its geometry is used.
    target : Path
        ``.nii`` or ``.nii.gz``, written whole or not at all.

    Raises
    ------
    InputError
        When ``like`` is no volume with a known position in space.
    """
    if kind_of(like) != "volume":
        raise InputError(f"{like}: maps can be written back for NIfTI volumes only")
    shape, _ = nifti_grid(like)
    axis = cut_axis(shape, (settings or ReadSettings()).axis)
    width, height = (length for direction, length in enumerate(shape) if direction != axis)
    slices = np.zeros((shape[axis], height, width), np.float32)
    for index, one in zip(indices, maps, strict=True):
        picture = Image.fromarray(np.ascontiguousarray(one, np.float32))
        slices[index] = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    save_volume(in_stored_order(like, from_slices(slices, axis)), target)


def save_volume(image: nibabel.Nifti1Image, target: Path) -> None:
    """Write ``.nii`` or ``.nii.gz``, whole or not at all; the same image gives the same bytes."""
    data = image.to_bytes()
    if target.name.endswith(".gz"):
        data = gzip.compress(data, compresslevel=_PACKING, mtime=0)
    with whole_file(target) as temporary:
        temporary.write_bytes(data)

"""What was said of slices, put together again for their volumes."""

import gzip
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
from PIL import Image

from fusionmedclip.data.files.kinds import kind_of, split_slice
from fusionmedclip.data.reading.nifti import cut_axis, from_slices, in_stored_order, nifti_grid
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError
from fusionmedclip.outputs import whole_file

__all__ = [
    "REDUCTIONS",
    "combine_maps",
    "combine_scores",
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


def combine_scores(scores: pd.DataFrame, *, how: str = "max") -> pd.DataFrame:
    """One score a volume from the scores of its slices.

    Parameters
    ----------
    scores : DataFrame
        ``image_id`` (``scan.nii.gz#slice=0012``), ``label`` and ``score``.
    how : {"max", "mean", "top"}
        See :func:`reduce_scores`.

    Returns
    -------
    DataFrame
        ``image_id`` (of the volume), ``label`` (1 if any slice is abnormal), ``score`` and ``slices`` (their
        number), in order of first appearance. Pictures that are no slices stay as they are.
    """
    volume = [split_slice(image_id)[0].as_posix() for image_id in scores["image_id"]]
    rows = []
    for name, part in scores.groupby(pd.Series(volume, index=scores.index), sort=False):
        score = reduce_scores(part["score"].to_numpy(), how)
        rows.append((name, int(part["label"].max()), score, len(part)))
    return pd.DataFrame(rows, columns=["image_id", "label", "score", "slices"])


def combine_maps(image_ids: Sequence[str], maps: np.ndarray) -> dict[str, tuple[list[int], np.ndarray]]:
    """Gather the maps of each volume.

    Parameters
    ----------
    image_ids : sequence of str
    maps : (N, H, W) array

    Returns
    -------
    dict
        Volume to its slice numbers, ascending, and their (S, H, W) maps.
    """
    members: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row, image_id in enumerate(image_ids):
        path, index = split_slice(image_id)
        if index is not None:
            members[path.as_posix()].append((index, row))
    ordered = {name: sorted(pairs) for name, pairs in members.items()}
    return {n: ([i for i, _ in pairs], maps[[row for _, row in pairs]]) for n, pairs in ordered.items()}


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

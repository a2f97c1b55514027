"""Whether an image and its mask belong together: stored alike, slice for slice, and in the same place."""

import itertools
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fusionmedclip.data.files.kinds import kind_of, split_slice, with_slice
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError

__all__ = ["paired_masks"]

PathLike = str | os.PathLike

_APART = 0.1  # of a voxel: beyond what qform's quaternions and printed decimals round away


def paired_masks(
    image: PathLike, masks: Iterable[PathLike], settings: ReadSettings | None = None
) -> list[PathLike]:
    """Masks as they are to be read with an image, each naming the slice that the image names.

    Raises
    ------
    InputError
        When a mask is stored as another kind of volume than its image, has another number of slices, or is a
        NIfTI volume that lies elsewhere in space.
    """
    settings = settings or ReadSettings()
    file, index = split_slice(image)
    index = settings.slice if index is None else index
    paired: list[PathLike] = []
    for mask in masks:
        mask_file, mask_index = split_slice(mask)
        kinds = kind_of(file), kind_of(mask_file)
        _same_kind(kinds, mask)
        if kinds == ("volume", "volume"):
            _same_place(file, mask_file)
        count = _same_count(kinds, image, mask, settings)
        if index is None or mask_index is not None or count == 1:
            paired.append(mask)
        else:
            paired.append(with_slice(os.fspath(mask), index))
    return paired


def _same_kind(kinds: tuple[str, str], mask: PathLike) -> None:
    """A DICOM series and a NIfTI volume order rows, columns and slices differently."""
    if kinds[0] != kinds[1] and not set(kinds) <= {"raster", "dicom"}:
        raise InputError(
            f"{mask}: the mask of a volume must be stored as the volume is",
            received=f"image: {kinds[0]}, mask: {kinds[1]}",
            hint="convert one of them; slices would be matched wrongly otherwise",
        )


def _same_count(kinds: tuple[str, str], image: PathLike, mask: PathLike, settings: ReadSettings) -> int:
    """Slices of a mask; refuse another number than the image's.

    One mask serves one picture of several where that is named, and the first of two, which is the one read.
    """
    (file, index), (mask_file, mask_index) = split_slice(image), split_slice(mask)
    held, found = (_slices(*pair, settings) for pair in ((kinds[0], file), (kinds[1], mask_file)))
    alone = found == 1 and (index is not None or settings.slice is not None or held == 2)
    if held != found and not alone and mask_index is None:
        raise InputError(
            f"{mask_file}: mask and image differ in their number of slices",
            received=f"mask {found}, image {held} ({file.name})",
            hint="a mask has a slice for each of its image; where it belongs to one, name that by `#slice=`",
        )
    return found


def _slices(kind: str, file: Path, settings: ReadSettings) -> int:
    if kind == "raster":
        from fusionmedclip.data.reading.raster.image import frames_of

        return frames_of(file)
    from fusionmedclip.data.reading.volumes import slice_count  # pydicom and nibabel take long to import

    return slice_count(file, settings=settings)


def _same_place(image: Path, mask: Path) -> None:
    """Two NIfTI volumes, brought to canonical axes, have the same voxels at the same millimetres."""
    from fusionmedclip.data.reading.nifti import nifti_grid

    (shape, affine), (mask_shape, mask_affine) = nifti_grid(image), nifti_grid(mask)
    if shape != mask_shape:
        sizes = [" x ".join(map(str, one)) for one in (mask_shape, shape)]
        raise InputError(
            f"{mask}: mask and image differ in size",
            received=f"mask {sizes[0]}, image {sizes[1]} ({image.name}), along right, anterior, superior",
            hint="a mask has the voxels of its image; export it again or leave it out",
        )
    corners = np.array([*itertools.product(*((0, length - 1) for length in shape))])
    apart = corners @ (affine - mask_affine)[:3, :3].T + (affine - mask_affine)[:3, 3]
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    farthest = float(np.linalg.norm(apart, axis=1).max())
    if farthest > _APART * float(min(sides[sides > 0], default=1.0)):
        raise InputError(
            f"{mask}: mask and image ({image.name}) do not lie in the same place",
            received=f"corners up to {farthest:.3g} mm apart by the headers' affines",
            allowed=f"{_APART:g} of a voxel",
            hint="save the mask with the affine of its image: `Nifti1Image(mask, image.affine)`",
        )

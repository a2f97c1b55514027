"""NIfTI and the other volume formats of nibabel, in one orientation.

Volumes are brought to the closest canonical (RAS+) axes; slices are shown as radiologists expect: the
patient's right on the left, anterior or superior on top.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import nibabel
import numpy as np
from nibabel.analyze import AnalyzeImage
from nibabel.arrayproxy import ArrayProxy
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

from fusionmedclip.data.reading.scaling import as_floats, percentile_range, scale_to_unit
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.data.reading.volume_file import HINT, check_whole, open_volume
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded
from fusionmedclip.luma import channel_weights

__all__ = [
    "Oriented",
    "check_not_colours",
    "cut_axis",
    "from_slices",
    "in_stored_order",
    "load_oriented",
    "nifti_grid",
    "nifti_slice_count",
    "nifti_volume_count",
    "read_nifti",
    "read_nifti_mask",
    "to_slices",
]

_LEAST = 16  # pixels of a picture's shorter side, for its third axis to be taken for colours


@dataclass(frozen=True)
class Oriented:
    """A volume in canonical order.

    Attributes
    ----------
    values : (X, Y, Z) float32 array, float64 where that would run values together
        First volume of a series in time; X grows to the patient's right, Y to anterior, Z to superior.
    zooms : (3,) tuple of float
        Voxel size in mm.
    affine : (4, 4) float64 array
        From voxel indices to mm in RAS+.
    """

    values: np.ndarray
    zooms: tuple[float, float, float]
    affine: np.ndarray


@guarded("volume", hint=HINT)
def load_oriented(path: Path, *, channel: str = "luma") -> Oriented:
    """Load a volume with nibabel.

    Raises
    ------
    InputError
        Naming the file when it is missing, empty, broken, no volume, or holds NaN or infinite values.
    """
    image = open_volume(path)
    check_whole(path, image)
    data = image.dataobj[(..., *[0] * (len(image.shape) - 3))]  # reads the first volume only
    if data.dtype.names:  # RGB or RGBA voxels
        data = np.stack([data[name] for name in data.dtype.names[:3]], axis=-1)
        data = data @ channel_weights(channel)
    if np.iscomplexobj(data):
        data = np.abs(data)
    directions = _directions(image)
    values = as_floats(apply_orientation(data.reshape(_spatial_shape(image)), directions))
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        hint = "replace them, for example by the volume's minimum"
        raise InputError(f"{path}: holds {count} NaN or infinite values", hint=hint)
    if values.min() == values.max():
        _check_constant(path, image)
    _, affine = _canonical(image)
    across, deep, up = (float(zoom) or 1.0 for zoom in np.abs(nibabel.affines.voxel_sizes(affine)))
    return Oriented(values, (across, deep, up), affine)


@guarded("volume", hint=HINT)
def nifti_grid(path: Path) -> tuple[tuple[int, int, int], np.ndarray]:
    """Shape (X, Y, Z) and (4, 4) affine of the canonical volume, from the header alone."""
    return _canonical(open_volume(path))


def nifti_slice_count(path: Path, axis: int) -> int:
    """Number of slices along a canonical axis, from the header alone."""
    shape, _ = nifti_grid(path)
    return shape[cut_axis(shape, axis)]


@guarded("volume", hint=HINT)
def nifti_volume_count(path: Path) -> int:
    """Number of volumes of a series in time (or of directions, or echoes), 1 for a volume."""
    return math.prod(open_volume(path).shape[3:])


@guarded("volume", hint=HINT)
def check_not_colours(path: Path) -> None:
    """Refuse three or four slices of 8 bits: most likely the colours of one picture, saved as an array.

    Raises
    ------
    InputError
        With what says that they are slices: to name one, or to take all.
    """
    image = open_volume(path)
    lengths = [length for length in image.shape if length > 1]
    colours = len(lengths) == 3 and {3, 4} & {lengths[0], lengths[-1]} and sorted(lengths)[1] >= _LEAST
    if colours and image.get_data_dtype() == np.uint8:
        raise InputError(
            f"{path}: colours of one picture, or a volume of so few slices?",
            received=f"{' x '.join(map(str, image.shape))} of 8 bits",
            hint="save colours as RGB voxels, or as PNG; where these are slices, name one (`#slice=0001`) or "
            "take `slices: all`",
        )


def cut_axis(shape: Sequence[int], axis: int) -> int:
    """Axis along which a canonical volume is cut: where one axis alone has length 1, it is one picture."""
    single = [direction for direction, length in enumerate(shape) if length == 1]
    return single[0] if len(single) == 1 else axis


def read_nifti(path: Path, settings: ReadSettings) -> tuple[np.ndarray, tuple[float, float], np.ndarray]:
    """Read all slices along ``settings.axis``.

    Returns
    -------
    slices : (S, H, W) float32 array
        In [0, 1], scaled together by percentiles or ``settings.value_range``.
    spacing : (float, float)
        Distance of rows and of columns in mm.
    affine : (4, 4) float64 array
        Of the canonical volume.
    """
    volume = load_oriented(path, channel=settings.channel)
    value_range = settings.value_range or percentile_range(volume.values, settings.percentiles)
    cut = cut_axis(volume.values.shape, settings.axis)
    slices = to_slices(scale_to_unit(volume.values, value_range), cut)
    across, down = (zoom for axis, zoom in enumerate(volume.zooms) if axis != cut)
    return slices, (down, across), volume.affine


def read_nifti_mask(path: Path, axis: int) -> np.ndarray:
    """Read a label volume: (S, H, W) bool, True above 0.5: for every label, and for the likelier half."""
    if (count := nifti_volume_count(path)) > 1:
        raise InputError(
            f"{path}: a mask of several volumes",
            received=f"{count} volumes",
            allowed="one, whose labels above 0 are lesion",
            hint="of one volume a class save the largest's number: `numpy.argmax(volumes, axis=-1)`",
        )
    values = load_oriented(path).values
    return to_slices(values > 0.5, cut_axis(values.shape, axis))


def to_slices(values: np.ndarray, axis: int) -> np.ndarray:
    """(X, Y, Z) canonical to (S, H, W) as shown: rows from the top, the patient's right on the left."""
    slices = np.moveaxis(values, axis, 0)  # (S, across, up)
    return np.ascontiguousarray(slices[:, ::-1, ::-1].swapaxes(1, 2))


def from_slices(slices: np.ndarray, axis: int) -> np.ndarray:
    """Undo :func:`to_slices`: (S, H, W) to (X, Y, Z)."""
    return np.ascontiguousarray(np.moveaxis(slices.swapaxes(1, 2)[:, ::-1, ::-1], 0, axis))


@guarded("volume", hint=HINT)
def in_stored_order(path: Path, values: np.ndarray) -> nibabel.Nifti1Image:
    """Undo :func:`load_oriented`: other values in the axes, at the places and with the codes of a file.

    Parameters
    ----------
    path : Path
        Only its header is read.
    values : (X, Y, Z) array
        In canonical order.

    Returns
    -------
    nibabel.Nifti1Image
        Of the shape of the file's first volume, under a fresh header: no free text.
    """
    image = open_volume(path)
    inverse = np.empty((3, 2))
    for stored, (direction, sign) in enumerate(_directions(image)):
        inverse[int(direction)] = stored, sign
    result = nibabel.Nifti1Image(
        apply_orientation(values, inverse).reshape(image.shape[:3]), image.affine, dtype=values.dtype
    )
    result.header.set_xyzt_units("mm")
    if isinstance(image, nibabel.Nifti1Pair):  # of one file or of two, NIfTI-1 or 2
        result.header.set_xyzt_units(image.header.get_xyzt_units()[0])
        result.set_qform(*image.get_qform(coded=True))
        result.set_sform(*image.get_sform(coded=True))
    return result


def _check_constant(path: Path, image: nibabel.spatialimages.SpatialImage) -> None:
    """A volume of one value is right where it is stored so, and where no other volume is meant."""
    if math.prod(image.shape[3:]) > 1:
        raise InputError(
            f"{path}: the first volume of a series has no contrast",
            received=f"{math.prod(image.shape[3:])} volumes",
            hint="save the volume that is meant as a file of its own",
        )
    stored = cast(ArrayProxy, image.dataobj)
    scaled = isinstance(image, AnalyzeImage) and (stored.slope, stored.inter) != (1, 0)
    if scaled and np.ptp(stored.get_unscaled()) > 0:
        raise InputError(
            f"{path}: the header's slope and intercept make one value of all that are stored",
            received=(float(stored.slope), float(stored.inter)),
            hint="export it again with another program",
        )


def _canonical(image: nibabel.spatialimages.SpatialImage) -> tuple[tuple[int, int, int], np.ndarray]:
    """Shape and affine in canonical order."""
    directions, stored = _directions(image), _spatial_shape(image)
    shape = [0, 0, 0]
    for length, (direction, _) in zip(stored, directions, strict=True):
        shape[int(direction)] = length
    return (shape[0], shape[1], shape[2]), image.affine @ inv_ornt_aff(directions, stored)


def _spatial_shape(image: nibabel.spatialimages.SpatialImage) -> tuple[int, int, int]:
    """Of the first volume; a picture is a volume of one slice."""
    first, second, third = (*image.shape[:3], 1, 1)[:3]
    return first, second, third


def _directions(image: nibabel.spatialimages.SpatialImage) -> np.ndarray:
    """(3, 2): canonical axis and sign of each stored axis (nibabel's orientation array)."""
    directions = io_orientation(image.affine)
    shape, missing = _spatial_shape(image), np.isnan(directions[:, 0])
    if missing.sum() == 1 and shape[int(np.flatnonzero(missing)[0])] == 1:  # a picture in a plane
        left = {0, 1, 2} - set(directions[~missing, 0].astype(int))
        directions[missing] = left.pop(), 1
        return directions
    if missing.any():
        hint = "export it again with the sizes of its voxels, and the directions in which they lie"
        raise InputError("its affine leaves an axis without a length in space", hint=hint)
    return directions

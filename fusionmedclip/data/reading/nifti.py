"""NIfTI and the other volume formats of nibabel, in one orientation.

Volumes are brought to the closest canonical (RAS+) axes; slices are shown as radiologists expect: the
patient's right on the left, anterior or superior on top.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

from fusionmedclip.data.reading.claims import check_claim
from fusionmedclip.data.reading.scaling import percentile_range, scale_to_unit
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded
from fusionmedclip.luma import channel_weights

__all__ = [
    "Oriented",
    "cut_axis",
    "from_slices",
    "load_oriented",
    "nifti_slice_count",
    "nifti_volume_count",
    "read_nifti",
    "read_nifti_mask",
    "to_slices",
]

_PACKED = (".gz", ".bz2", ".zst", ".mgz")
_HINT = "open the file in a viewer; export it again, or take it out of the folder"


@dataclass(frozen=True)
class Oriented:
    """A volume in canonical order.

    Attributes
    ----------
    values : (X, Y, Z) float32 array
        First volume of a series in time; X grows to the patient's right, Y to anterior, Z to superior.
    zooms : (3,) tuple of float
        Voxel size in mm.
    affine : (4, 4) float64 array
        From voxel indices to mm in RAS+.
    """

    values: np.ndarray
    zooms: tuple[float, float, float]
    affine: np.ndarray


@guarded("volume", hint=_HINT)
def load_oriented(path: Path, *, channel: str = "luma") -> Oriented:
    """Load a volume with nibabel.

    Raises
    ------
    InputError
        Naming the file when it is missing, empty, broken, no volume, or holds NaN or infinite values.
    """
    image = _open(path)
    data = image.dataobj[(..., *[0] * (len(image.shape) - 3))]  # reads the first volume only
    if data.dtype.names:  # RGB or RGBA voxels
        data = np.stack([data[name] for name in data.dtype.names[:3]], axis=-1)
        data = data @ channel_weights(channel)
    if np.iscomplexobj(data):
        data = np.abs(data)
    directions = _directions(image)
    shape = _spatial_shape(image)
    data = apply_orientation(data.reshape(shape), directions)
    affine = image.affine @ inv_ornt_aff(directions, shape)
    values = np.ascontiguousarray(data, np.float32)
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        hint = "replace them, for example by the volume's minimum"
        raise InputError(f"{path}: holds {count} NaN or infinite values", hint=hint)
    zooms = tuple(float(zoom) or 1.0 for zoom in np.abs(nibabel.affines.voxel_sizes(affine)))
    return Oriented(values, zooms, affine)


@guarded("volume", hint=_HINT)
def nifti_slice_count(path: Path, axis: int) -> int:
    """Number of slices along a canonical axis, from the header alone."""
    image = _open(path)
    shape = [0, 0, 0]
    for length, (direction, _) in zip(_spatial_shape(image), _directions(image), strict=True):
        shape[int(direction)] = length
    return shape[cut_axis(shape, axis)]


@guarded("volume", hint=_HINT)
def nifti_volume_count(path: Path) -> int:
    """Number of volumes of a series in time (or of directions, or echoes), 1 for a volume."""
    return math.prod(_open(path).shape[3:])


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
    """Read a label volume: (S, H, W) bool, True for every label above 0."""
    values = load_oriented(path).values
    return to_slices(values > 0, cut_axis(values.shape, axis))


def to_slices(values: np.ndarray, axis: int) -> np.ndarray:
    """(X, Y, Z) canonical to (S, H, W) as shown: rows from the top, the patient's right on the left."""
    slices = np.moveaxis(values, axis, 0)  # (S, across, up)
    return np.ascontiguousarray(slices[:, ::-1, ::-1].swapaxes(1, 2))


def from_slices(slices: np.ndarray, axis: int) -> np.ndarray:
    """Undo :func:`to_slices`: (S, H, W) to (X, Y, Z)."""
    return np.ascontiguousarray(np.moveaxis(slices.swapaxes(1, 2)[:, ::-1, ::-1], 0, axis))


def _open(path: Path) -> nibabel.spatialimages.SpatialImage:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: empty file (0 bytes)", hint=_HINT)
    image = nibabel.load(path)
    if not isinstance(image, nibabel.spatialimages.SpatialImage):
        raise InputError(f"{path}: not a volume", received=type(image).__name__, hint=_HINT)
    shape = image.shape
    if len(shape) < 2 or 0 in shape:
        received = f"{' x '.join(map(str, shape))} voxels"
        raise InputError(f"{path}: neither a picture nor a volume", received=received, hint=_HINT)
    file = Path(image.file_map["image"].filename)
    packed = file.suffix.lower() in _PACKED
    check_claim(file, math.prod(shape) * image.get_data_dtype().itemsize, packed=packed)
    return image


def _spatial_shape(image: nibabel.spatialimages.SpatialImage) -> tuple[int, int, int]:
    """Of the first volume; a picture is a volume of one slice."""
    return (*image.shape[:3], 1, 1)[:3]


def _directions(image: nibabel.spatialimages.SpatialImage) -> np.ndarray:
    """(3, 2): canonical axis and sign of each stored axis (nibabel's orientation array)."""
    directions = io_orientation(image.affine)
    shape, missing = _spatial_shape(image), np.isnan(directions[:, 0])
    if missing.sum() == 1 and shape[int(np.flatnonzero(missing)[0])] == 1:  # a picture in a plane
        left = {0, 1, 2} - set(directions[~missing, 0].astype(int))
        directions[missing] = left.pop(), 1
    return directions

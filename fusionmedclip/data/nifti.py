"""NIfTI and the other volume formats of nibabel, in one orientation.

Volumes are brought to the closest canonical (RAS+) axes; slices are shown as radiologists expect: the
patient's right on the left, anterior or superior on top.
"""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from nibabel.brikhead import AFNIHeaderError, AFNIImageError
from nibabel.filebasedimages import ImageFileError
from nibabel.minc1 import MincError
from nibabel.orientations import OrientationError
from nibabel.parrec import PARRECError
from nibabel.spatialimages import HeaderDataError, ImageDataError

from fusionmedclip.data.scaling import percentile_range, scale_to_unit
from fusionmedclip.data.settings import ReadSettings
from fusionmedclip.errors import InputError

__all__ = [
    "Oriented",
    "from_slices",
    "load_oriented",
    "nifti_slice_count",
    "read_nifti",
    "read_nifti_mask",
    "to_slices",
]

_ERRORS = (ImageFileError, HeaderDataError, ImageDataError, OrientationError, PARRECError, MincError,
           AFNIHeaderError, AFNIImageError, OSError, ValueError, TypeError, EOFError, LookupError,
           ArithmeticError, MemoryError, AttributeError, NotImplementedError, ImportError, struct.error,
           zlib.error)  # fmt: skip
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
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


def load_oriented(path: Path) -> Oriented:
    """Load a volume with nibabel.

    Raises
    ------
    InputError
        Naming the file when it is missing, empty, broken, no volume, or holds NaN or infinite values.
    """
    image = _open(path)
    try:
        data = np.asanyarray(image.dataobj)
    except _ERRORS as error:
        raise InputError(f"{path}: broken or truncated volume ({error})", hint=_HINT) from error
    if data.dtype.names:  # RGB or RGBA voxels
        data = np.stack([data[name] for name in data.dtype.names[:3]], axis=-1) @ _LUMA
    if np.iscomplexobj(data):
        data = np.abs(data)
    while data.ndim > 3:
        data = data[..., 0]
    values = np.ascontiguousarray(data, np.float32)
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        hint = "replace them, for example by the volume's minimum"
        raise InputError(f"{path}: holds {count} NaN or infinite values", hint=hint)
    zooms = tuple(float(zoom) or 1.0 for zoom in np.abs(nibabel.affines.voxel_sizes(image.affine)))
    return Oriented(values, zooms, image.affine)


def nifti_slice_count(path: Path, axis: int) -> int:
    """Number of slices along a canonical axis, from the header alone."""
    return int(_open(path).shape[axis])


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
    volume = load_oriented(path)
    value_range = settings.value_range or percentile_range(volume.values, settings.percentiles)
    slices = to_slices(scale_to_unit(volume.values, value_range), settings.axis)
    across, down = (zoom for axis, zoom in enumerate(volume.zooms) if axis != settings.axis)
    return slices, (down, across), volume.affine


def read_nifti_mask(path: Path, axis: int) -> np.ndarray:
    """Read a label volume: (S, H, W) bool, True for every label above 0."""
    return to_slices(load_oriented(path).values > 0, axis)


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
    try:
        image = nibabel.load(path)
        if not isinstance(image, nibabel.spatialimages.SpatialImage):
            raise InputError(f"{path}: not a volume", received=type(image).__name__, hint=_HINT)
        return nibabel.as_closest_canonical(image)
    except InputError:
        raise
    except _ERRORS as error:
        raise InputError(f"{path}: not a readable volume ({error})", hint=_HINT) from error

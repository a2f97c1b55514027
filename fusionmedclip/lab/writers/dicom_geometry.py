"""Where the pixels of DICOM files lie in the patient, as the affine of a NIfTI volume.

DICOM PS3.3, C.7.6.2.1.1 (Equation C.7.6.2.1-1) has the place of a pixel in LPS; NIfTI counts in RAS.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydicom.dataset import Dataset

from fusionmedclip.data.reading.dicom.consistency import frame_count
from fusionmedclip.data.reading.dicom.header import frame_view, pixel_spacing, read_header

__all__ = ["Grid", "dicom_grid", "frame_affine", "frame_views"]

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_SLACK = 0.01  # share of the distance of slices by which a slice may lie beside its place


class Grid(NamedTuple):
    """The places of all pixels.

    Attributes
    ----------
    affine : (4, 4) float64 array
        From (column, row, slice) to mm in RAS.
    placed : bool
        False where the files do not say where in the patient they lie: distances alone are meant then.
    """

    affine: np.ndarray
    placed: bool


def dicom_grid(files: Sequence[Path]) -> Grid | None:
    """Grid of a file, of the frames of one, or of a series in its order.

    Returns
    -------
    Grid or None
        None for slices that no affine describes: turned against each other, or at unequal distances.
    """
    views = frame_views(files)
    rows, columns = pixel_spacing(views[0])
    affines = [frame_affine(view) for view in views]
    placed = [affine for affine in affines if affine is not None]
    if not placed:
        return Grid(np.diag([columns, rows, 1.0, 1.0]), placed=False)
    if len(placed) < len(affines):
        return None
    first, last = placed[0], placed[-1]
    affine = first.copy()
    if len(placed) > 1:
        affine[:, 2] = (last[:, 3] - first[:, 3]) / (len(placed) - 1)
    step = float(np.linalg.norm(affine[:3, 2]))
    for number, one in enumerate(placed):
        turned = not np.allclose(one[:3, :2], first[:3, :2], atol=1e-3 * max(rows, columns))
        beside = np.linalg.norm(one[:3, 3] - first[:3, 3] - number * affine[:3, 2])
        if turned or beside > _SLACK * step or not step:
            return None
    return Grid(_LPS_TO_RAS @ affine, placed=True)


def frame_views(files: Sequence[Path]) -> list[Dataset]:
    """The geometry of every frame of every file, in order, from headers alone."""
    headers = [read_header(path, pixels=False) for path in files]
    return [frame_view(header, index) for header in headers for index in range(frame_count(header))]


def frame_affine(view: Dataset) -> np.ndarray | None:
    """(4, 4) affine from (column, row, 0) to mm in LPS; None where a frame has no place.

    Its third column is the normal, as long as a slice is thick (1 mm where that is not said).
    """
    direction, position = view.get("ImageOrientationPatient"), view.get("ImagePositionPatient")
    if not direction or not position or len(direction) != 6 or len(position) != 3:
        return None
    along_row, along_column = np.asarray(direction, float).reshape(2, 3)
    rows, columns = pixel_spacing(view)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = along_row * columns, along_column * rows
    affine[:3, 2] = np.cross(along_row, along_column) * float(view.get("SliceThickness") or 1.0)
    affine[:3, 3] = np.asarray(position, float)
    return affine if np.isfinite(affine).all() and abs(np.linalg.det(affine)) > 1e-9 else None

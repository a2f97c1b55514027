"""Maps as NIfTI, in the geometry that the input came in."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import nibabel
import numpy as np

from fusionmedclip.data.files.kinds import kind_of
from fusionmedclip.data.reading.dicom.header import read_header
from fusionmedclip.data.reading.recombine import save_volume, write_map_volume
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.lab.scored import ScoredInput
from fusionmedclip.lab.writers.dicom_geometry import Grid, dicom_grid
from fusionmedclip.lab.writers.writer import Skipped

__all__ = ["MAPS", "MapVolumeWriter", "map_image", "stretched"]

MAPS = "maps"


class MapVolumeWriter:
    """Writes ``maps/NAME.nii.gz``: float32, on the method's own scale.

    NIfTI gives shape and affine of the input, DICOM the places of its pixels in the patient. Where nothing
    says where an input lies, as for a photograph, codes 0 say so, and distances are those of its pixels.
    Slices at unequal distances have no affine, so that they get no volume.
    """

    def write(self, scored: ScoredInput, folder: Path) -> list[str]:
        """Write the maps of one input, if its method has any."""
        if scored.maps is None:
            return []
        file = f"{MAPS}/{scored.name}.nii.gz"
        target = folder / file
        first = scored.files[0]
        if kind_of(first) == "volume":
            settings = ReadSettings() if scored.axis is None else ReadSettings(axis=scored.axis)
            count = range(len(scored.maps))
            write_map_volume(count, scored.maps, like=first, target=target, settings=settings)
            return [file]
        maps, grid = scored.maps, Grid(np.eye(4), placed=False)
        if kind_of(first) == "dicom":
            header = read_header(first, pixels=False)
            found = dicom_grid(scored.files)
            if found is None:
                return []
            maps, grid = stretched(maps, (int(header.Rows), int(header.Columns))), found
        save_volume(map_image(maps, grid), target)
        return [file]

    def finish(self, folder: Path, *, skipped: Sequence[Skipped] = ()) -> None:
        """All is written by then."""


def map_image(maps: np.ndarray, grid: Grid) -> nibabel.Nifti1Image:
    """(S, H, W) maps as a NIfTI image of shape (W, H, S)."""
    image = nibabel.Nifti1Image(np.ascontiguousarray(maps.transpose(2, 1, 0), np.float32), grid.affine)
    image.header.set_xyzt_units("mm" if grid.placed else "unknown")
    image.set_sform(grid.affine, code=1 if grid.placed else 0)  # 1: the scanner's own coordinates
    image.set_qform(None, code=0)  # a quaternion cannot hold slices that lean
    return image


def stretched(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(S, h, w) maps at (H, W), as they are where that is their size."""
    height, width = size
    if maps.shape[1:] == size:
        return maps
    resized = [cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in maps]
    return np.stack(resized)

"""Pictures stored in another direction than they are shown in: the orientation tag of EXIF and TIFF."""

import numpy as np

__all__ = ["stored_as", "turn"]

_BACK = {6: 8, 8: 6}  # all others undo themselves


def turn(array: np.ndarray, orientation: int) -> np.ndarray:
    """Show an (H, W, ...) array as its orientation says (EXIF 2.3, tag 274: 1 to 8)."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return np.ascontiguousarray(array)


def stored_as(array: np.ndarray, orientation: int) -> np.ndarray:
    """Undo :func:`turn`."""
    return turn(array, _BACK.get(orientation, orientation))

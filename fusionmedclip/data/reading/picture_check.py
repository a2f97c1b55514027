"""The one check that every picture passes on its way out of a reader."""

from pathlib import Path

import numpy as np

from fusionmedclip.errors import InputError

__all__ = ["check_kept", "checked_picture"]

_LEAST = 2  # pixels: a line is a volume cut along the wrong axis, or a profile


def checked_picture(grey: np.ndarray, path: Path) -> np.ndarray:
    """Return an (H, W) or (S, H, W) array as float32 if it is what every reader promises.

    Raises
    ------
    InputError
        When it is a line or a point, or holds anything but finite values in [0, 1].
    """
    if grey.ndim not in (2, 3) or min(grey.shape[-2:]) < _LEAST or 0 in grey.shape:
        raise InputError(
            f"{path}: not a picture",
            received=" x ".join(map(str, reversed(grey.shape))) + " pixels",
            allowed=f"at least {_LEAST} x {_LEAST}",
        )
    low, high = float(grey.min()), float(grey.max())  # NaN wherever there is one
    if not (low >= 0 and high <= 1):
        raise InputError(
            f"{path}: grey values are not in 0 to 1 after reading",
            received=f"{low:g} to {high:g}",
            hint="the header scales pixels to NaN or infinity, or by a damaged number; export it again",
        )
    return np.asarray(grey, np.float32)


def check_kept(grey: np.ndarray, path: Path, *, varied: bool) -> None:
    """Refuse a picture or a volume of which nothing is left: one value, though more than one is stored.

    A single picture may lie outside its window, as air does outside of a brain's: black or white is kept.

    Parameters
    ----------
    grey : (H, W) or (S, H, W) array
        After reading.
    path : Path
    varied : bool
        Whether the file stores more than one value.

    Raises
    ------
    InputError
        Naming the file and the value.
    """
    low = float(grey.min())
    if varied and low == grey.max() and (grey.ndim == 3 or 0 < low < 1):
        raise InputError(
            f"{path}: one grey value everywhere after reading, but not as it is stored",
            received=f"{low:g}",
            hint="its window or rescaling misses what is stored: export it again; a data set's "
            "entry in the configuration may set `read: {value_range: [low, high]}`",
        )

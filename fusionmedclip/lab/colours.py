"""Whether a picture is in colour, where a model sees luma alone: a question, before there is a score."""

from pathlib import Path

import numpy as np
from PIL import Image

from fusionmedclip.data.files.kinds import kind_of
from fusionmedclip.data.reading.dicom.header import read_header
from fusionmedclip.data.reading.read import read_colour
from fusionmedclip.errors import InputError

__all__ = ["ask_about_colours", "coloured_share"]

SPREAD = 40 / 255
"""Of the three channels, from which a pixel counts as coloured; what JPEG does to grey is a few levels."""
SHARE = 0.25
"""Of coloured pixels, above which a picture is one in colour; marks, Doppler boxes and legends cover less."""
_SIDE = 64  # pixels that are looked at, along each side
_GREY = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L")


def coloured_share(picture: Path | np.ndarray) -> float:
    """Share of coloured pixels in a picture, 0 to 1; exactly 0 for grey, also where it is stored as RGB.

    Parameters
    ----------
    picture : path, or (H, W) or (H, W, 3 or 4) array
        An array of whole numbers has the full scale of their type, one of floats 1.
    """
    pixels = _pixels(picture) if isinstance(picture, np.ndarray) else _pixels_of_file(picture)
    return 0.0 if pixels is None else float((np.ptp(pixels, axis=-1) > SPREAD).mean())


def _pixels(array: np.ndarray) -> np.ndarray | None:
    if array.ndim != 3:
        return None
    rows, columns = (((np.arange(_SIDE) + 0.5) * side / _SIDE).astype(int) for side in array.shape[:2])
    full = np.iinfo(array.dtype).max if array.dtype.kind == "u" else 1
    return array[rows][:, columns, :3].astype(np.float32) / full


def _pixels_of_file(path: Path) -> np.ndarray | None:
    kind = kind_of(path)
    if kind == "raster":
        with Image.open(path) as image:
            if image.mode in _GREY:
                return None
            image.draft("RGB", (2 * _SIDE, 2 * _SIDE))  # a JPEG is decoded at a fraction of its size
            small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
        return np.asarray(small, np.float32) / 255
    if kind == "dicom" and int(read_header(path, pixels=False).get("SamplesPerPixel") or 1) > 1:
        return read_colour(path)
    return None


def ask_about_colours(picture: Path | np.ndarray, name: Path | str | None = None) -> None:
    """Refuse a picture in colour with a question, be it a file or an array.

    Parameters
    ----------
    picture : path or array
        See :func:`coloured_share`.
    name : str, optional
        What an array is called.

    Raises
    ------
    InputError
        Saying how to answer it.
    """
    share = coloured_share(picture)
    if share > SHARE:
        raise InputError(
            f"{name or picture}: a photograph in colour? The model sees grey alone",
            received=f"colour in {100 * share:.0f} % of the picture",
            allowed=f"{100 * SHARE:.0f} %",
            hint="--colour, in Python luma=True, takes its luma; `images: {colour: true}` in the "
            "configuration keeps colours",
        )

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


def coloured_share(path: Path) -> float:
    """Share of coloured pixels in a picture, 0 to 1; exactly 0 for grey, also where it is stored as RGB."""
    kind = kind_of(path)
    if kind == "raster":
        with Image.open(path) as image:
            if image.mode in _GREY:
                return 0.0
            image.draft("RGB", (2 * _SIDE, 2 * _SIDE))  # a JPEG is decoded at a fraction of its size
            small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
        pixels = np.asarray(small, np.float32) / 255
    elif kind == "dicom" and int(read_header(path, pixels=False).get("SamplesPerPixel") or 1) > 1:
        pixels = read_colour(path)
    else:
        return 0.0
    return float((np.ptp(pixels, axis=-1) > SPREAD).mean())


def ask_about_colours(path: Path) -> None:
    """Refuse a picture in colour with a question.

    Raises
    ------
    InputError
        Saying how to answer it.
    """
    share = coloured_share(path)
    if share > SHARE:
        raise InputError(
            f"{path}: a photograph in colour? The model sees grey alone",
            received=f"colour in {100 * share:.0f} % of the picture",
            allowed=f"{100 * SHARE:.0f} %",
            hint="--colour takes its luma; `images: {colour: true}` in the configuration keeps colours",
        )

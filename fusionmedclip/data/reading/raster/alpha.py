"""What alpha hides: it is dropped everywhere, so that hidden colours count as seen."""

from pathlib import Path

import numpy as np
from PIL import Image

from fusionmedclip.errors import InputError

__all__ = ["check_seen", "hidden_share", "may_hide"]

_WITH_ALPHA, _KEYED = ("LA", "La", "PA", "RGBA", "RGBa"), ("1", "L", "RGB", "P")


def hidden_share(picture: Image.Image | np.ndarray) -> float:
    """Share of wholly transparent pixels, 0 to 1: by an alpha channel, a palette's, or a colour that is none.

    Parameters
    ----------
    picture : PIL.Image.Image, or (H, W) or (H, W, 3 or 4) array
    """
    if isinstance(picture, np.ndarray):
        return float((picture[..., 3] == 0).mean()) if picture.ndim == 3 and picture.shape[-1] == 4 else 0.0
    if not may_hide(picture):
        return 0.0
    return float((np.asarray(picture.convert("RGBA").getchannel("A")) == 0).mean())


def may_hide(picture: Image.Image) -> bool:
    """Whether a picture has alpha or a transparent colour, by its header alone."""
    return picture.mode in _WITH_ALPHA or (picture.mode in _KEYED and "transparency" in picture.info)


def check_seen(share: float, name: Path | str) -> None:
    """Refuse a picture of which nothing is to be seen, whatever colours lie below.

    Raises
    ------
    InputError
    """
    if share == 1:
        raise InputError(
            f"{name}: wholly transparent; what its pixels hold below is not to be seen",
            hint="alpha is dropped on reading: save the picture without it, if it is meant",
        )

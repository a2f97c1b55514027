"""One call for all modalities: check, draw, caption."""

from dataclasses import dataclass

import numpy as np

from fusionmedclip.data.phantoms.brain_mri import draw_brain_mri
from fusionmedclip.data.phantoms.breast_ultrasound import draw_breast_ultrasound
from fusionmedclip.data.phantoms.chest_xray import draw_chest_xray
from fusionmedclip.data.phantoms.settings import draw_settings
from fusionmedclip.data.phantoms.wording import caption
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator

__all__ = ["MODALITIES", "SIZES", "Phantom", "draw_for", "draw_phantom"]

_DRAWERS = {
    "brain_mri": draw_brain_mri,
    "breast_ultrasound": draw_breast_ultrasound,
    "chest_xray": draw_chest_xray,
}
MODALITIES = tuple(_DRAWERS)
SIZES = (64, 512)


@dataclass(frozen=True)
class Phantom:
    """A drawn picture.

    Attributes
    ----------
    image : (H, W) float32 in ``[0, 1]``
    mask : (H, W) bool
        The lesion; empty for a normal picture.
    caption : str
        Modality, view and finding in one sentence.
    """

    image: np.ndarray
    mask: np.ndarray
    caption: str


def draw_phantom(modality: str, *, size: int = 224, lesion: bool, seed: int, index: int) -> Phantom:
    """Draw phantom number ``index``: a pure function of the arguments.

    Parameters
    ----------
    modality : str
        One of ``MODALITIES``.
    size : int
        Side in pixels, 64 to 512. The anatomy does not depend on it, pixel noise does.
    lesion : bool
        Whether to draw a lesion. Normal and abnormal phantoms of one index have nothing else in common.
    seed : int
    index : int
        0 or more.

    Returns
    -------
    Phantom

    Raises
    ------
    InputError
        If the modality is unknown, or size or index is out of range.

    Examples
    --------
    >>> phantom = draw_phantom("brain_mri", size=96, lesion=True, seed=0, index=3)
    >>> phantom.image.shape, bool(phantom.mask.any())
    ((96, 96), True)
    """
    return draw_for((int(seed), "phantom"), modality, size=size, lesion=lesion, index=index)


def draw_for(
    purpose: tuple[int | str, ...], modality: str, *, size: int, lesion: bool, index: int
) -> Phantom:
    """As :func:`draw_phantom`, for a purpose of its own: purposes never share a draw."""
    if modality not in _DRAWERS:
        raise InputError("unknown modality", received=modality, allowed=", ".join(MODALITIES))
    if not SIZES[0] <= size <= SIZES[1]:
        raise InputError(
            "phantom size out of range", received=size, allowed=f"{SIZES[0]} to {SIZES[1]} pixels"
        )
    if index < 0:
        raise InputError("phantom index out of range", received=index, allowed="0 or more")
    family = (*purpose, modality, bool(lesion))
    key = (*family, int(index))
    settings = draw_settings(*family, index=int(index))
    image, mask, facts = _DRAWERS[modality](generator(*key), settings, size=int(size), lesion=bool(lesion))
    return Phantom(image, mask, caption(generator(*key, "wording"), modality, facts))

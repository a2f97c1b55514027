"""What has to be known of a file beside its score, by its header and its brightest value."""

from pathlib import Path

import numpy as np

from fusionmedclip.data.files.kinds import kind_of
from fusionmedclip.data.reading.nifti import nifti_volume_count
from fusionmedclip.data.reading.raster.alpha import hidden_share
from fusionmedclip.data.reading.raster.image import RasterFacts, open_page, raster_facts

__all__ = ["file_notes"]

_HIDDEN = 0.01
"""Share of transparent pixels from which a note says so; rounded corners are less."""
_NARROW, _NEARLY_ALL = 2**14 - 1, 0.999
"""What fewer bits can hold, and the share of pixels that is looked at: markers are drawn in white."""


def file_notes(file: Path, pixels: np.ndarray) -> tuple[str, ...]:
    """Notes of one file.

    Parameters
    ----------
    file : Path
        A picture or a volume, no folder.
    pixels : array
        What was read, in [0, 1].
    """
    kind = kind_of(file)
    if kind == "volume":
        count = nifti_volume_count(file)
        return (f"the first of {count} volumes: the others were not looked at",) if count > 1 else ()
    return _of_raster(file, raster_facts(file), pixels) if kind == "raster" else ()


def _of_raster(file: Path, facts: RasterFacts, pixels: np.ndarray) -> tuple[str, ...]:
    notes = []
    if facts.animated:
        notes.append(f"an animation: its {facts.pictures} frames are taken for the slices of a volume")
    if facts.alpha and (share := hidden_share(open_page(file).image)) >= _HIDDEN:
        notes.append(f"{100 * share:.0f} % of it is transparent: scored by the colours that are hidden there")
    bright = round(float(np.quantile(pixels, _NEARLY_ALL)) * (2**16 - 1))
    if facts.mode.startswith("I;16") and 0 < bright <= _NARROW:
        notes.append(
            f"nearly all of it is {bright} of 65,535 or less: values of {bright.bit_length()} bits in a file "
            "of 16, which are read as dark?"
        )
    return tuple(notes)

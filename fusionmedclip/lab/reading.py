"""An input as slices: what it shows at its own size, and what a model sees of it."""

from dataclasses import dataclass, replace

import numpy as np

from fusionmedclip.data.files.kinds import kind_of
from fusionmedclip.data.reading.dicom.series import order_series, read_slices
from fusionmedclip.data.reading.nifti import cut_axis, nifti_grid
from fusionmedclip.data.reading.picture_check import checked_picture
from fusionmedclip.data.reading.resize import resize_image, square_pixels
from fusionmedclip.data.reading.settings import ImageSettings, ReadSettings
from fusionmedclip.data.reading.volumes import Volume, read_volume
from fusionmedclip.guard import reading
from fusionmedclip.lab.colours import ask_about_colours
from fusionmedclip.lab.file_notes import file_notes
from fusionmedclip.lab.inputs import SERIES, Input
from fusionmedclip.lab.writers.dicom_geometry import dicom_grid

__all__ = ["BLANK", "Slices", "read_input"]

BLANK = "blank: one grey value everywhere, whatever its score"

_NO_AFFINE = "no affine describes where its slices lie, so that no map of it is written as NIfTI"
_CHANNELS = ("red", "green", "blue")


@dataclass(frozen=True)
class Slices:
    """An input that was read.

    Attributes
    ----------
    input : Input
        The files of a series in the order of its slices.
    names : tuple of str
        ``slice=0012``, as in ``scan.nii.gz#slice=0012``; one empty name for a plain image.
    pixels : (n, H, W) or (n, H, W, 3) float32 array
        In [0, 1], as stored: pixels need not be square.
    working : (n, S, S) or (n, S, S, 3) float32 array
        The same at the size that the model works at.
    axis : int or None
        Canonical axis of a NIfTI volume along which its slices lie.
    notes : tuple of str
        What was read, where that is not all, or not as it should be.
    """

    input: Input
    names: tuple[str, ...]
    pixels: np.ndarray
    working: np.ndarray
    axis: int | None = None
    notes: tuple[str, ...] = ()


def read_input(
    given: Input,
    size: int,
    *,
    form: ImageSettings | None = None,
    settings: ReadSettings | None = None,
    luma: bool = False,
) -> Slices:
    """Read all slices of an input, each as :func:`fusionmedclip.data.reading.read.read_image` reads one.

    Parameters
    ----------
    given : Input
    size : int
        Side of the working form, pixels.
    form : ImageSettings, optional
        Grey or colour, and how slices are resized.
    settings : ReadSettings, optional
        How files are read; of them ``slice`` has no meaning here.
    luma : bool
        Take the luma of a picture in colour without asking, where ``form`` is grey.

    Raises
    ------
    InputError
        Naming the file that cannot be read, or a picture in colour (:mod:`fusionmedclip.lab.colours`).
    """
    form, settings = form or ImageSettings(), replace(settings or ReadSettings(), slice=None)
    volumes, notes = [], given.notes
    for channel in _CHANNELS if form.colour else (settings.channel,):
        volume, given, said = _read(given, replace(settings, channel=channel))
        volumes.append(volume)
    if given.kind != SERIES and not (form.colour or luma):
        ask_about_colours(given.files[0])
    pixels = np.stack([v.slices for v in volumes], axis=-1) if form.colour else volumes[0].slices
    shown = [_squared(one, volumes[0].spacing) if settings.square_pixels else one for one in pixels]
    said = (*said, *_without_affine(given, len(pixels)))
    working = np.stack([resize_image(one, size, form=form) for one in shown])
    names = tuple(f"slice={index:04d}" for index in range(len(pixels))) if len(pixels) > 1 else ("",)
    return Slices(given, names, pixels, working, _axis(given, settings), (*notes, *said, *_blank(pixels)))


def _read(given: Input, settings: ReadSettings) -> tuple[Volume, Input, tuple[str, ...]]:
    if given.kind != SERIES:
        volume = read_volume(given.files[0], settings=settings)
        return volume, given, file_notes(given.files[0], volume.slices)
    with reading(given.place, "series"):
        series = order_series(given.files, given.place)
        slices = checked_picture(read_slices(series, given.place, settings), given.place)
    given = replace(given, files=series.files)
    return Volume(slices, series.spacing[1:]), given, series.notes


def _without_affine(given: Input, count: int) -> tuple[str, ...]:
    """Said here, since a map that is not written leaves nothing to say it at."""
    several = count > 1 and kind_of(given.files[0]) == "dicom"
    return (_NO_AFFINE,) if several and dicom_grid(given.files) is None else ()


def _blank(pixels: np.ndarray) -> tuple[str, ...]:
    """A blank slice of a volume is air; a blank picture, or volume, is none."""
    return (BLANK,) if np.ptp(pixels) == 0 else ()


def _squared(picture: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    if picture.ndim == 2:
        return square_pixels(picture, *spacing)
    return np.stack([square_pixels(channel, *spacing) for channel in np.moveaxis(picture, -1, 0)], axis=-1)


def _axis(given: Input, settings: ReadSettings) -> int | None:
    if given.kind == SERIES or kind_of(given.files[0]) != "volume":
        return None
    return cut_axis(nifti_grid(given.files[0])[0], settings.axis)

"""One file is one thing: an image once, or the mask of one image."""

import os

from fusionmedclip.data.sources.records import Listing
from fusionmedclip.errors import InputError

__all__ = ["report_shared_files"]


def report_shared_files(listing: Listing) -> None:
    """Add a problem for each file of a listing that stands for two things.

    Files are compared by where they really are: a link to a folder, ``a/../b`` and ``b`` lead to one file.

    Parameters
    ----------
    listing : Listing
        Of whole files; slices of one volume come later.
    """
    images: dict[str, str] = {}
    masks: dict[str, str] = {}
    root = os.path.realpath(listing.root)
    for record in listing.records:
        first = images.setdefault(_real(root, record.file), record.file)
        if first is not record.file:
            listing.problems.add(InputError(f"{listing.root / record.file}: listed twice", received=first))
    for record in listing.records:
        for mask in record.masks:
            place = _real(root, mask)
            if place in images:
                what = f"{listing.root / mask}: the mask of {record.file}, and an image itself"
                listing.problems.add(InputError(what, received=images[place]))
            owner = masks.setdefault(place, record.file)
            if owner is not record.file:
                what = f"{listing.root / mask}: the mask of two images"
                listing.problems.add(InputError(what, received=f"{owner}, {record.file}"))


def _real(root: str, file: str) -> str:
    return os.path.realpath(os.path.join(root, file))

"""From files on disk to arrays: readers, sources, manifests, splits, support sets, phantoms."""

from importlib import import_module
from typing import TYPE_CHECKING

from fusionmedclip.data.reading.settings import ImageSettings, ReadSettings

if TYPE_CHECKING:
    from fusionmedclip.data.reading.images import load_images
    from fusionmedclip.data.reading.masks import read_mask
    from fusionmedclip.data.reading.read import read_image
    from fusionmedclip.data.reading.resize import resize_image, resize_mask

__all__ = [
    "ImageSettings",
    "ReadSettings",
    "load_images",
    "read_image",
    "read_mask",
    "resize_image",
    "resize_mask",
]

# Loaded on first use: the workflow parses what stands in this package, and needs no imaging library for that.
_READERS = {
    "load_images": "fusionmedclip.data.reading.images",
    "read_image": "fusionmedclip.data.reading.read",
    "read_mask": "fusionmedclip.data.reading.masks",
    "resize_image": "fusionmedclip.data.reading.resize",
    "resize_mask": "fusionmedclip.data.reading.resize",
}


def __getattr__(name: str):
    if name in _READERS:
        return getattr(import_module(_READERS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""From files on disk to arrays: readers, sources, manifests, splits, support sets, phantoms."""

from fusionmedclip.data.reading.images import load_images
from fusionmedclip.data.reading.masks import read_mask
from fusionmedclip.data.reading.read import read_image
from fusionmedclip.data.reading.resize import resize_image, resize_mask
from fusionmedclip.data.reading.settings import ImageSettings, ReadSettings

__all__ = [
    "ImageSettings",
    "ReadSettings",
    "load_images",
    "read_image",
    "read_mask",
    "resize_image",
    "resize_mask",
]

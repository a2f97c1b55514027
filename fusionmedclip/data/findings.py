"""What can be wrong with a data set, as data: one finding each, with the images it concerns."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

import pandas as pd

__all__ = ["KINDS", "Finding", "group_findings", "image_findings", "mask_findings"]

KINDS = {
    "label_conflict": "The same picture is called normal and abnormal",
    "class_conflict": "The same picture in two classes of one label",
    "exact_duplicates": "The same file under several names",
    "near_duplicates": "Nearly the same picture",
    "normal_with_lesion": "A normal image with a lesion in its mask",
    "empty_mask": "An abnormal image with an empty mask",
    "mask_levels": "A mask whose values are too small to count",
    "full_mask": "A mask that covers nearly everything",
    "masks_missing": "Some abnormal images have no mask",
    "constant_image": "An image without contrast",
    "dim_image": "Images that use little of their range of values",
    "format_mismatch": "A suffix that does not fit the content",
    "loose_slices": "Slices of a volume taken for pictures of their own",
    "burned_in": "Identity may be written into the pixels",
    "shortcut": "A property of the files that separates the classes",
}
"""Kinds of finding, the most serious first, and what each says."""

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG", ".tif": "TIFF",
            ".tiff": "TIFF", ".bmp": "BMP", ".gif": "GIF", ".webp": "WEBP", ".dcm": "DICOM"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to know before using a data set.

    Attributes
    ----------
    kind : str
        A key of ``KINDS``.
    message : str
        What was found, with numbers.
    hint : str
        What to do about it.
    images : tuple of str
        image_ids concerned.
    """

    kind: str
    message: str
    hint: str = ""
    images: tuple[str, ...] = ()


def group_findings(manifest: pd.DataFrame, pairs: pd.DataFrame) -> Iterator[Finding]:
    """Duplicates and conflicts, one finding a group of the column ``duplicate``."""
    near = set(pairs.loc[pairs["kind"] == "near", ["first", "second"]].to_numpy().ravel())
    marked = manifest[manifest["duplicate"] != ""]
    for _, group in marked.groupby("duplicate"):
        images = tuple(group["image_id"])
        names = " ~ ".join(images)
        if group["label"].nunique() > 1:
            hint = "one label is wrong; the split `grouped` leaves all of them out"
            yield Finding(kind="label_conflict", message=names, hint=hint, images=images)
        elif group["class"].nunique() > 1:
            hint = "both count as one label here; one class is wrong"
            yield Finding(kind="class_conflict", message=names, hint=hint, images=images)
        elif near.isdisjoint(images):
            hint = "count them once; the split `grouped` keeps them together"
            yield Finding(kind="exact_duplicates", message=names, hint=hint, images=images)
        else:
            hint = "frames of one examination, or edited copies; the split `grouped` keeps them together"
            yield Finding(kind="near_duplicates", message=names, hint=hint, images=images)


def mask_findings(manifest: pd.DataFrame, statistics: pd.DataFrame) -> Iterator[Finding]:
    """Masks that contradict their labels, cover everything, or are missing."""
    ids, share = manifest["image_id"], statistics["mask_share"]
    abnormal = manifest["label"] == 1
    levels = statistics["mask_levels"].astype(bool)
    yield from _each(
        "mask_levels", ids[levels], "write masks as 0 and 255: values up to 127 count as background"
    )
    yield from _each(
        "empty_mask", ids[abnormal & (share == 0) & ~levels], "draw the lesion, or drop the mask"
    )
    yield from _each("normal_with_lesion", ids[~abnormal & (share > 0)], "the label or the mask is wrong")
    yield from _each("full_mask", ids[share > 0.95], "is the mask inverted?")
    without = ids[abnormal & (manifest["mask"] == "")]
    if 0 < len(without) < abnormal.sum():
        message = f"{len(without)} of {abnormal.sum()} abnormal images have no mask file"
        hint = "pixel metrics use the others only"
        yield Finding(kind="masks_missing", message=message, hint=hint, images=tuple(without))


def image_findings(manifest: pd.DataFrame, statistics: pd.DataFrame) -> Iterator[Finding]:
    """Images without contrast, with too small values, wrongly named, or with text in them."""
    ids = manifest["image_id"]
    yield from _each("constant_image", ids[statistics["std"] < 1e-3], "look at the file; leave it out")
    dim = ids[(statistics["max"] < 0.25) & (statistics["std"] >= 1e-3)]
    if len(dim):
        message = f"{len(dim)} images stay below a quarter of their range of values"
        hint = "12 bits in a 16-bit file? Set `read: {value_range: [0, 4095]}` for the data set"
        yield Finding(kind="dim_image", message=message, hint=hint, images=tuple(dim))
    for image_id, suffix, form in zip(ids, statistics["suffix"], statistics["format"], strict=True):
        expected = _FORMATS.get(suffix)
        if expected is not None and form != expected and not (form == "MPO" and expected == "JPEG"):
            message = f"{PurePath(image_id).name} is {form}"
            hint = "it is read by its content; other software may refuse it"
            yield Finding(kind="format_mismatch", message=message, hint=hint, images=(image_id,))
    burned = ids[statistics["burned_in"].astype(bool)]
    if len(burned):
        message = f"{len(burned)} headers say that annotation is burnt into the pixels"
        hint = "look at the pictures before anything drawn from them leaves the building"
        yield Finding(kind="burned_in", message=message, hint=hint, images=tuple(burned))


def _each(kind: str, ids: pd.Series, hint: str) -> Iterator[Finding]:
    for image_id in ids:
        yield Finding(kind=kind, message=image_id, hint=hint, images=(image_id,))

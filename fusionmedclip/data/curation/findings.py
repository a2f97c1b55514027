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
    "mask_picture": "A mask that looks like a picture",
    "mask_colours": "A mask whose colours are too dark to count",
    "mask_levels": "A mask whose values are too small to count",
    "full_mask": "A mask that covers nearly everything, or all around",
    "turned_mask": "A picture turned by its header, and its mask not as the picture is",
    "masks_missing": "Some abnormal images have no mask",
    "constant_image": "An image without contrast",
    "few_levels": "An image of a few grey values, as masks have",
    "several_pictures": "Files that hold several pictures, of which one is read",
    "dim_image": "Images that use little of their range of values",
    "format_mismatch": "A suffix that does not fit the content",
    "loose_slices": "Slices of a volume taken for pictures of their own",
    "odd_series": "A series of slices that may not be whole",
    "burned_in": "Identity may be written into the pixels",
    "shortcut": "A property of the files that separates the classes",
}
"""Kinds of finding, the most serious first, and what each says."""

_MASK_HINTS = {
    "mask_picture": "give filled masks, 0 outside and 255 inside, without loss (PNG); or drop the masks",
    "mask_colours": "`read: {mask: nonzero}` of the data set counts every colour but black",
    "mask_levels": "`read: {mask: nonzero}` of the data set counts every value but 0; or write 0 and 255",
}
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
    odd = statistics["mask_look"] != ""
    for image_id, kind, says in zip(ids, statistics["mask_look"], statistics["mask_says"], strict=True):
        if kind:
            message = f"{image_id}: {says}"
            yield Finding(kind=kind, message=message, hint=_MASK_HINTS[kind], images=(image_id,))
    yield from _each("empty_mask", ids[abnormal & (share == 0) & ~odd], "draw the lesion, or drop the mask")
    yield from _each("normal_with_lesion", ids[~abnormal & (share > 0)], "the label or the mask is wrong")
    around = (share > 0.5) & (statistics["mask_border"] > 0.9)
    hint = "is the mask inverted? `read: {mask: dark}` of the data set turns all of them over"
    yield from _each("full_mask", ids[((share > 0.95) | around) & ~odd], hint)
    for image_id, says in zip(ids, statistics["mask_turned"], strict=True):
        if says:
            hint = "look at one: where masks were drawn on pictures as they are stored, `read: {exif: false}`"
            yield Finding(kind="turned_mask", message=f"{image_id}: {says}", hint=hint, images=(image_id,))
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
    hint = "a mask among the images? Name masks by `mask_suffix` or `mask_folder`"
    yield from _each("few_levels", ids[statistics["few_levels"].astype(bool)], hint)
    yield from _several(ids, statistics)
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


def _several(ids: pd.Series, statistics: pd.DataFrame) -> Iterator[Finding]:
    """Stacks, animations and series in time, one finding for all of a kind."""
    many = statistics["pictures"] > 1
    for volume, what, hint in (
        (False, "hold several pictures; the middle one is read", "`slices: all`, or a number, takes more"),
        (True, "hold a series in time; its first volume is read", "split it where another volume is meant"),
    ):
        these = ids[many & ((statistics["format"] == "NIfTI") == volume)]
        if len(these):
            most = int(statistics["pictures"][these.index].max())
            message = f"{len(these)} files {what} ({these.iloc[0]}, ...; up to {most})"
            yield Finding(kind="several_pictures", message=message, hint=hint, images=tuple(these))


def _each(kind: str, ids: pd.Series, hint: str) -> Iterator[Finding]:
    for image_id in ids:
        yield Finding(kind=kind, message=image_id, hint=hint, images=(image_id,))

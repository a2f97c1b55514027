"""Images sorted into folders by class."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from fusionmedclip.data.kinds import is_dicom, is_image_file, stem_of
from fusionmedclip.data.records import Listing, Record
from fusionmedclip.data.source_keys import check_keys, existing_path, string_list
from fusionmedclip.data.source_options import COMMON_KEYS
from fusionmedclip.errors import InputError

__all__ = ["list_folder"]

_OPTIONAL = ("abnormal", "masks", "mask_folder", "mask_suffix", "series", *COMMON_KEYS)


def list_folder(source: Mapping) -> Listing:
    """List a folder of class folders.

    Parameters
    ----------
    source : mapping
        ``path``: the root. ``normal``, ``abnormal``: names of class folders below it, searched with their
        sub-folders. ``mask_suffix``: ``"_mask"`` makes ``X_mask.png``, ``X_mask_1.png`` ... the masks of
        ``X.png`` beside them. ``mask_folder`` (or ``masks``): a folder below the root with masks of the
        images' names, ``masks/<class>/<stem>.*`` or ``masks/<stem>.*``. ``series``: true where every folder
        that holds DICOM files is one volume (its masks are folders too); a class folder's own files beside
        such folders are pictures.

    Raises
    ------
    InputError
        For an unknown or missing key or a missing root; a missing class folder is a problem of the listing.
    """
    check_keys(source, required=("path", "normal"), optional=_OPTIONAL)
    root = existing_path(source, folder=True)
    listing = Listing(root=root)
    suffix = source.get("mask_suffix")
    mask_folder = source.get("mask_folder") or source.get("masks")
    series = bool(source.get("series"))
    shared = _MaskFolder(root, mask_folder, series=series) if mask_folder else None
    for label, key in enumerate(("normal", "abnormal")):
        for name in string_list(source, key):
            folder = root / name
            if not folder.is_dir():
                found = sorted(item.name for item in root.iterdir() if item.is_dir())
                allowed = f"folders there: {', '.join(found)}"
                listing.problems.add(InputError(f"{folder}: no such class folder", allowed=allowed))
            else:
                _list_class(listing, name, label=label, suffix=suffix, shared=shared, series=series)
    if shared is not None:
        shared.report(listing)
    return listing


def _list_class(
    listing: Listing,
    class_name: str,
    *,
    label: int,
    suffix: str | None,
    shared: "_MaskFolder | None",
    series: bool,
) -> None:
    images, masks = [], defaultdict(list)
    pattern = re.compile(rf"(.+){re.escape(suffix)}(_\d+)?") if suffix else None
    for path in _entries(listing.root / class_name, series=series):
        if shared is not None and shared.folder in path.parents:
            continue
        if path.is_file() and not is_image_file(path):
            listing.ignored.append(path.relative_to(listing.root).as_posix())
        elif pattern and (match := pattern.fullmatch(stem_of(path))):
            masks[path.parent / match[1]].append(path.relative_to(listing.root).as_posix())
        else:
            images.append(path)
    for path in images:
        own = masks.pop(path.parent / stem_of(path), [])
        if shared is not None:
            own += shared.find(path)
        listing.records.append(
            Record(
                file=path.relative_to(listing.root).as_posix(),
                label=label,
                class_name=class_name,
                masks=tuple(own),
            )
        )
    for stem, files in sorted(masks.items()):
        listing.problems.add(f"{listing.root / files[0]}: a mask without its image {stem.name}.*")


def _files(folder: Path) -> Iterator[Path]:
    """Files below a folder in order of name; hidden ones (``._x``, ``.DS_Store``) are not data."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _stem_below(path: Path, folder: Path) -> str:
    return (path.relative_to(folder).parent / stem_of(path)).as_posix()


def _entries(folder: Path, *, series: bool) -> Iterator[Path]:
    """Files; with ``series`` the folders that hold DICOM files stand for these.

    DICOM files beside such folders are pictures of their own, as X-rays beside the folders of CTs.
    """
    if not series:
        yield from _files(folder)
        return
    volumes: dict[Path, list[Path]] = defaultdict(list)
    for path in _files(folder):
        if is_dicom(path):
            volumes[path.parent].append(path)
        else:
            yield path
    beside = volumes.pop(folder, []) if len(volumes) > 1 else []
    yield from sorted([*volumes, *beside])


class _MaskFolder:
    """Masks kept apart from the images, matched by stem."""

    def __init__(self, root: Path, name: str, *, series: bool):
        self.root, self.folder = root, root / name
        self.claims: dict[str, list[str]] = defaultdict(list)
        if not self.folder.is_dir():
            raise InputError(
                f"{self.folder}: no such mask folder", hint="`mask_folder` is relative to `path`"
            )
        self.masks = defaultdict(list)
        for path in _entries(self.folder, series=series):
            if path.is_dir() or is_image_file(path):
                relative = _stem_below(path, self.folder)
                self.masks[relative].append(path.relative_to(root).as_posix())

    def find(self, image: Path) -> list[str]:
        for key in (_stem_below(image, self.root), stem_of(image)):
            if key in self.masks:
                self.claims[key].append(image.relative_to(self.root).as_posix())
                return self.masks[key]
        return []

    def report(self, listing: Listing) -> None:
        """Masks that no image claims, or that several do."""
        for key, files in sorted(self.masks.items()):
            owners = self.claims.get(key, [])
            if not owners:
                listing.problems.add(f"{self.root / files[0]}: a mask without an image of that name")
            elif len(owners) > 1:
                hint = "sort the masks into folders named like the classes"
                what = f"{self.root / files[0]}: a mask of several images ({', '.join(owners)})"
                listing.problems.add(InputError(what, hint=hint))

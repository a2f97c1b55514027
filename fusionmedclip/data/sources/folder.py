"""Images sorted into folders by class."""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from fusionmedclip.data.files.folders import below, data_files
from fusionmedclip.data.files.kinds import is_dicom_file, is_image_file, stem_of
from fusionmedclip.data.files.mask_names import (
    DEFAULT_SUFFIX,
    is_mask_folder,
    is_mask_word,
    looks_like_mask,
    mask_owners,
    place_of,
)
from fusionmedclip.data.files.unread_formats import READ_FORMATS, unread_format
from fusionmedclip.data.problems import Problems
from fusionmedclip.data.sources.keys import check_keys, existing_path, string_list
from fusionmedclip.data.sources.options import COMMON_KEYS
from fusionmedclip.data.sources.records import Listing, Record
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
        ``X.png`` beside them, and is so where nothing is said and there are such pairs; ``""`` makes them
        images. ``mask_folder`` (or ``masks``): a folder below the root with masks of the
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
    shared = _MaskFolder(root, mask_folder, listing.problems, series=series) if mask_folder else None
    for label, key in enumerate(("normal", "abnormal")):
        for name in string_list(source, key):
            folder = below(root, name, what=f"`{key}`")
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
    entries = _entries(listing.root / class_name, listing.problems, series=series)
    if shared is not None:
        entries = [path for path in entries if shared.folder not in path.parents]
    files = _images(listing, class_name, entries)
    images, masks = _apart(files, _mask_pattern(files, suffix, listing))
    if suffix is None:
        _report_mask_folders(images, listing, class_name)
    _report_shared_names(images, masks, listing)
    for path in images:
        own = [mask.relative_to(listing.root).as_posix() for mask in masks.pop(place_of(path), [])]
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
        listing.problems.add(f"{files[0]}: a mask without its image {stem.name}.*")


def _images(listing: Listing, class_name: str, entries: list[Path]) -> list[Path]:
    """Images and masks of a class; other files are kept as ignored, unreadable formats as a problem."""
    images: list[Path] = []
    others: list[Path] = []
    for path in entries:
        (images if path.is_dir() or is_image_file(path) else others).append(path)
    stems = {path.parent / stem_of(path) for path in images}
    unread = defaultdict(list)
    for path in others:
        listing.ignored.append(path.relative_to(listing.root).as_posix())
        form = unread_format(path)
        if form and not any(path.with_name(stem) in stems for stem in _stems(path.name)):
            unread[form].append(path.relative_to(listing.root).as_posix())
    for form, names in sorted(unread.items()):
        what = f"{listing.root / class_name}: images in a format that is not read: {form}"
        hint = "convert them, or move what is no image of this class elsewhere"
        listing.problems.add(InputError(what, received=_some(names), allowed=READ_FORMATS, hint=hint))
    return images


def _mask_pattern(files: list[Path], suffix: str | None, listing: Listing) -> re.Pattern | None:
    """What tells masks from images; where nothing is said, BUSI's names are known and others are reported."""
    if suffix is None:
        owners = mask_owners(files)
        words = defaultdict(list)
        for path, (_, word) in owners.items():
            words[word].append(path.relative_to(listing.root).as_posix())
        if words.pop(DEFAULT_SUFFIX, None):
            suffix = DEFAULT_SUFFIX
        for word, names in sorted(words.items()):
            what = f"{listing.root / names[0]}: named as the mask of an image beside it"
            hint = f'set `mask_suffix: "{word}"`, or `mask_suffix: ""` if these are images'
            listing.problems.add(InputError(what, received=_some(names), hint=hint))
        alone = [p for p in files if p not in owners and looks_like_mask(p)]
        if alone and suffix is None:
            names = [path.relative_to(listing.root).as_posix() for path in alone]
            what = f"{alone[0]}: named like a mask, and no image beside it has its name"
            hint = (
                'move masks to a folder beside the classes and set `mask_folder`, or set `mask_suffix: ""` '
                "if these are images"
            )
            listing.problems.add(InputError(what, received=_some(names), hint=hint))
    return re.compile(rf"(.+){re.escape(suffix)}(_\d+)?") if suffix else None


def _apart(files: list[Path], pattern: re.Pattern | None) -> tuple[list[Path], dict[Path, list[Path]]]:
    """Images, and masks by the path of their image without its suffix."""
    images, masks = [], defaultdict(list)
    for path in files:
        match = pattern.fullmatch(stem_of(path)) if pattern else None
        if match:
            masks[place_of(path, match[1])].append(path)
        else:
            images.append(path)
    return images, masks


def _report_shared_names(images: list[Path], masks: Mapping[Path, list[Path]], listing: Listing) -> None:
    """Images that differ in their suffix alone, one of which has a mask: nothing says which."""
    named = defaultdict(list)
    for path in images:
        named[place_of(path)].append(path)
    for place, paths in named.items():
        if len(paths) > 1 and place in masks:
            what = f"{masks[place][0]}: the mask of which image?"
            listing.problems.add(InputError(what, received=_some([path.name for path in paths])))


def _report_mask_folders(images: list[Path], listing: Listing, class_name: str) -> None:
    """Folders named like masks: plainly, or with files named like images elsewhere in the class."""
    folder = listing.root / class_name
    inside = defaultdict(set)
    for path in images:
        words = [part for part in path.relative_to(folder).parts[:-1] if is_mask_folder(part)]
        inside[words[0] if words else ""].add(stem_of(path))
    known = inside.pop("", set())
    for name, stems in sorted(inside.items()):
        if stems & known or is_mask_word(name):
            what = f"{folder}: a folder {name!r}, which seems to hold masks"
            hint = (
                "move masks to one folder beside the classes and set `mask_folder` to its name, or set "
                '`mask_suffix: ""` if these are images'
            )
            listing.problems.add(InputError(what, received=_some(sorted(stems)), hint=hint))


def _stems(name: str) -> list[str]:
    """What may be the name without its suffix: an image of that name beside it is the one that is read."""
    return [name[:place] for place, letter in enumerate(name) if letter == "."]


def _some(names: list[str]) -> str:
    return f"{len(names)}: " + ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _stem_below(path: Path, folder: Path) -> str:
    return (path.relative_to(folder).parent / stem_of(path)).as_posix()


def _entries(folder: Path, problems: Problems, *, series: bool) -> list[Path]:
    """Files; with ``series`` the folders that hold DICOM files stand for these.

    DICOM files beside such folders are pictures of their own, as X-rays beside the folders of CTs.
    """
    files = data_files(folder, problems)
    if not series:
        return files
    volumes: dict[Path, list[Path]] = defaultdict(list)
    for path in files:
        if is_dicom_file(path):
            volumes[path.parent].append(path)
    slices = {path for members in volumes.values() for path in members}
    others = [path for path in files if path not in slices]
    beside = volumes.pop(folder, []) if len(volumes) > 1 else []
    return [*others, *sorted([*volumes, *beside])]


class _MaskFolder:
    """Masks kept apart from the images, matched by stem."""

    def __init__(self, root: Path, name: str, problems: Problems, *, series: bool):
        self.root, self.folder = root, below(root, name, what="`mask_folder`")
        self.claims: dict[str, list[str]] = defaultdict(list)
        if not self.folder.is_dir():
            raise InputError(
                f"{self.folder}: no such mask folder", hint="`mask_folder` is relative to `path`"
            )
        self.masks = defaultdict(list)
        for path in _entries(self.folder, problems, series=series):
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
                said = looks_like_mask(Path(files[0]))
                hint = "in `mask_folder` masks have their images' names: take the word off" if said else ""
                what = f"{self.root / files[0]}: a mask without an image of that name"
                listing.problems.add(InputError(what, hint=hint))
            elif len(owners) > 1:
                hint = "sort the masks into folders named like the classes"
                what = f"{self.root / files[0]}: a mask of several images ({', '.join(owners)})"
                listing.problems.add(InputError(what, hint=hint))

"""A set of BMAD, as it is laid out (Bao et al., Benchmarks for Medical Anomaly Detection, CVPRW 2024)."""

from collections.abc import Mapping
from pathlib import Path

from fusionmedclip.data.files.folders import data_files
from fusionmedclip.data.files.kinds import is_image_file, stem_of
from fusionmedclip.data.sources.keys import check_keys, existing_path
from fusionmedclip.data.sources.options import COMMON_KEYS
from fusionmedclip.data.sources.records import Listing, Record
from fusionmedclip.errors import InputError

__all__ = ["list_bmad"]

PARTS = {"train": "training", "valid": "validation", "val": "validation", "test": "test"}
"""Folder -> split. One of the first two is the pool, `test` is tested, the other is left out."""

CLASSES = {"good": 0, "Ungood": 1}

_WANTED = {"the pool's good": ("pool", 0), "test/good": ("test", 0), "test/Ungood": ("test", 1)}

MASKS = ("label", "anomaly_mask")
"""Folders of masks beside `img`: BMAD's own, and that of the copy which MVFA's authors give out."""


def list_bmad(source: Mapping) -> Listing:
    """List ``{train,valid,test}/{good,Ungood}``, with images in it or in its ``img``.

    A mask has its image's name and lies in ``label`` (``anomaly_mask``) beside ``img``. Masks of good images,
    which some copies have, are empty by definition and not read.

    Parameters
    ----------
    source : mapping
        ``path``: the set's folder. ``support``: ``training`` (default) or ``validation``, whose good images
        make the pool: few-shot studies after MVFA draw from the latter, and their copies have no ``train``.

    Raises
    ------
    InputError
        For another layout, or a part that is wanted and not there or empty. A mask without its image, an
        image without its mask where others have one, and images or folders beside those that are read are
        problems of the listing.
    """
    check_keys(source, required=("path",), optional=("support", *COMMON_KEYS))
    root = existing_path(source, folder=True)
    support = source.get("support", "training")
    if support not in ("training", "validation"):
        raise InputError("setting `support` of a source", received=support, allowed="training, validation")
    found = [name for name in PARTS if (root / name).is_dir()]
    splits = {PARTS[name] for name in found}
    if "test" not in splits or support not in splits:
        there = sorted(item.name for item in root.iterdir() if item.is_dir())
        raise InputError(
            f"{root}: not laid out as a set of BMAD",
            received=f"folders there: {', '.join(there) or 'none'}",
            allowed="train (or valid, with support: validation) and test, each with good and Ungood",
        )
    listing = Listing(root=root)
    for name in found:
        split = PARTS[name]
        for class_name, label in CLASSES.items():
            folder = root / name / class_name
            if folder.is_dir():
                _list_class(listing, folder, label=label, split="pool" if split == support else split)
        for other in sorted((root / name).iterdir()):
            if other.is_dir() and other.name not in CLASSES:
                listing.problems.add(
                    f"{other}: a folder that is none of {', '.join(CLASSES)}, and is not read"
                )
    read = {(record.split, record.label) for record in listing.records}
    lacking = [place for place, wanted in _WANTED.items() if wanted not in read]
    if lacking:
        raise InputError(f"{root}: a set of BMAD without images in {', '.join(lacking)}", **_only(listing))
    return listing


def _only(listing: Listing) -> dict[str, str]:
    """What an error says of images that were found, and of what was not read."""
    folders = sorted({Path(record.file).parts[:2] for record in listing.records})
    found = ", ".join("/".join(parts) for parts in folders) or "none"
    return {"received": f"images in {found}", "hint": "; ".join(map(str, listing.problems.messages[:2]))}


def _list_class(listing: Listing, folder: Path, *, label: int, split: str) -> None:
    images = folder / "img"
    inside = images.is_dir()
    masks = _masks(listing, folder) if label else {}
    start = len(listing.records)
    for path in data_files(images if inside else folder, listing.problems, below=inside):
        file = path.relative_to(listing.root).as_posix()
        if not is_image_file(path):
            listing.ignored.append(file)
            continue
        mask = masks.pop(stem_of(path), None)
        listing.records.append(
            Record(
                file=file,
                label=label,
                class_name=folder.name,
                masks=() if mask is None else (mask,),
                split=split,
            )
        )
    if inside:
        for path in sorted(folder.iterdir()):
            if path.is_file() and is_image_file(path):
                listing.problems.add(f"{path}: an image beside `img`, which holds the others")
    own = listing.records[start:]
    if any(record.masks for record in own) or masks:
        for record in own:
            if not record.masks:
                listing.problems.add(f"{listing.root / record.file}: an image without its mask")
    for mask in sorted(masks.values()):
        listing.problems.add(f"{listing.root / mask}: a mask without its image")


def _masks(listing: Listing, folder: Path) -> dict[str, str]:
    """Stem -> mask, of the first folder of masks that is there."""
    for name in MASKS:
        if (folder / name).is_dir():
            found: dict[str, str] = {}
            for path in data_files(folder / name, listing.problems):
                if is_image_file(path):
                    file = path.relative_to(listing.root).as_posix()
                    if found.setdefault(stem_of(path), file) != file:
                        listing.problems.add(f"{path}: a second mask of one image")
            return found
    return {}

"""Images listed in a table."""

import os
from collections.abc import Mapping
from pathlib import Path

from fusionmedclip.data.files.mask_names import is_mask_word, mask_owners
from fusionmedclip.data.sources.keys import check_keys, existing_path
from fusionmedclip.data.sources.options import COMMON_KEYS
from fusionmedclip.data.sources.records import Listing, Record
from fusionmedclip.data.sources.text_tables import read_table
from fusionmedclip.errors import InputError

__all__ = ["list_csv"]

_LABELS = {"0": 0, "normal": 0, "1": 1, "abnormal": 1}
_COLUMNS = ("path", "label", "mask", "group", "split", "class")


def list_csv(source: Mapping) -> Listing:
    """List a CSV file of images.

    Parameters
    ----------
    source : mapping
        ``path``: the CSV file, whose columns are ``path`` and ``label`` (0 or ``normal``, 1 or ``abnormal``)
        and optionally ``mask`` (several joined by ``;``), ``group``, ``split`` and ``class``. Paths are
        relative to the CSV file.
    """
    check_keys(source, required=("path",), optional=COMMON_KEYS)
    path = existing_path(source, folder=False)
    table = read_table(path, required=("path", "label"), known=_COLUMNS)
    listing = Listing(root=path.parent)
    seen: dict[str, int] = {}
    for number, row in zip(table.index, table.to_dict("records"), strict=True):
        label = _LABELS.get(row["label"].strip().lower())
        file = _relative(row["path"].strip(), listing.root)
        if label is None:
            what = f"{path}, line {number}: unknown label"
            listing.problems.add(InputError(what, received=row["label"], allowed=", ".join(_LABELS)))
        elif not file:
            listing.problems.add(f"{path}, line {number}: empty path")
        elif file in seen:
            listing.problems.add(f"{path}, line {number}: {file} is listed already in line {seen[file]}")
        else:
            seen[file] = number
            listing.records.append(_record(row, file, label, listing.root))
    for mask, (image, word) in mask_owners(Path(file) for file in seen).items():
        if is_mask_word(word):
            what = f"{path}, line {seen[mask.as_posix()]}: {mask} is named as the mask of {image.name}"
            listing.problems.add(InputError(what, hint="give it in the column `mask` of that image"))
    return listing


def _record(row: Mapping[str, str], file: str, label: int, root: Path) -> Record:
    masks = tuple(_relative(mask.strip(), root) for mask in row.get("mask", "").split(";") if mask.strip())
    return Record(
        file=file,
        label=label,
        class_name=row.get("class", "").strip() or ("abnormal" if label else "normal"),
        masks=masks,
        group=row.get("group", "").strip(),
        split=row.get("split", "").strip(),
    )


def _relative(path: str, root: Path) -> str:
    """Normalised with forward slashes; an absolute path below the root becomes relative to it."""
    if not path:
        return ""
    path = path.replace("\\", "/")
    if os.path.isabs(path):
        below = Path(path).is_relative_to(root.resolve())
        return Path(path).relative_to(root.resolve()).as_posix() if below else Path(path).as_posix()
    return Path(os.path.normpath(path)).as_posix()

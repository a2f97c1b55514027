"""How captioned image sets lie on disk: ROCO version 1, ROCO version 2, and plain tables."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from fusionmedclip.data.sources.text_tables import read_table
from fusionmedclip.documents import read_text
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading

__all__ = ["SPLITS", "read_csv", "read_roco", "read_rocov2"]

SPLITS = ("train", "validation", "test")
_ROCO_TABLES = {"train": "traindata.csv", "validation": "valdata.csv", "test": "testdata.csv"}
_ROCOV2_NAMES = {"train": "train", "validation": "valid", "test": "test"}


def read_roco(folder: Path) -> pd.DataFrame:
    nested = folder / "all_data"  # as the authors' download script makes it
    home = nested if nested.is_dir() else folder
    parts = []
    for split in SPLITS:
        place = home / split / "radiology"
        if (place / _ROCO_TABLES[split]).is_file():
            part = _captions(place / _ROCO_TABLES[split], ("id", "name", "caption"))
            files = [place / "images" / name.strip() for name in part["name"]]
        elif (place / "captions.txt").is_file():
            part = _read_tabbed(place / "captions.txt")
            files = [place / "images" / f"{name}.jpg" for name in part["id"]]
        else:
            continue
        parts.append(_part(split, part["id"], files, part["caption"]))
    return _joined(parts, folder, "train/radiology/traindata.csv or train/radiology/captions.txt")


def read_rocov2(folder: Path) -> pd.DataFrame:
    parts = []
    for split, short in _ROCOV2_NAMES.items():
        table = folder / f"{short}_captions.csv"
        if not table.is_file():
            continue
        part = _captions(table, ("ID", "Caption"))
        images = _rocov2_images(folder, short)
        files = [images / (name if Path(name).suffix else f"{name}.jpg") for name in part["ID"]]
        parts.append(_part(split, part["ID"], files, part["Caption"]))
    return _joined(parts, folder, "train_captions.csv")


def _rocov2_images(folder: Path, short: str) -> Path:
    """The archives unpack to ``train/``, which people keep inside ``train_images/`` or beside the table."""
    nested, flat, plain = folder / f"{short}_images" / short, folder / f"{short}_images", folder / short
    return next((place for place in (nested, flat, plain) if place.is_dir()), flat)


def read_csv(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError("no such table of captions", received=str(path))
    table = _captions(path, ("image", "caption"))
    files = [path.parent / name for name in table["image"]]
    split = table["split"].str.strip() if "split" in table else "train"
    part = _part(split, table.get("image_id", table["image"]), files, table["caption"])
    wrong = part[~part["split"].isin(SPLITS)]
    if len(wrong):
        what = f"{path}, line {wrong.index[0]}: unknown split"
        raise InputError(what, received=wrong["split"].iloc[0], allowed=", ".join(SPLITS))
    if "label" in table:
        part["label"] = table["label"]
    return part


def _captions(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    return read_table(path, required=columns, skip_space=True)


def _read_tabbed(path: Path) -> pd.DataFrame:
    """Lines of id, tab, caption. Only a line feed ends a line: captions hold U+2028 and its like."""
    with reading(path, "captions"):
        text = read_text(path).replace("\r\n", "\n")
    lines = [line.partition("\t") for line in text.split("\n") if line.strip()]
    return pd.DataFrame({"id": [a.strip() for a, _, _ in lines], "caption": [c for _, _, c in lines]})


def _part(
    split: str | pd.Series, image_id: pd.Series, files: Iterable[Path], captions: pd.Series
) -> pd.DataFrame:
    absolute = [str(file.absolute()) for file in files]
    columns = {"split": split, "image_id": image_id, "file": absolute, "caption": captions}
    return pd.DataFrame(columns, index=captions.index)


def _joined(parts: list[pd.DataFrame], folder: Path, expected: str) -> pd.DataFrame:
    if not parts:
        hint = f"the folder must hold {expected}"
        raise InputError("no captions in this folder", received=str(folder), hint=hint)
    return pd.concat(parts, ignore_index=True)

"""The record of a saved model, and the place of one: all that can be checked without torch."""

from pathlib import Path
from typing import Any

from fusionmedclip.data.files.folders import is_stray
from fusionmedclip.documents import read_json
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded
from fusionmedclip.outputs import check_writable

__all__ = [
    "CARD",
    "FORMAT",
    "OWN_BACKBONE",
    "RECORD",
    "WEIGHTS",
    "check_place",
    "read_record",
]

WEIGHTS, RECORD = "weights.safetensors", "model.json"
CARD, OWN_BACKBONE = "README.md", "backbone"
"""What may lie beside them: the model card, and the backbone itself."""
FORMAT = 3
"""Version of the record. 2 names the backbone; in 3 the weights name the record."""

_KEYS = {"settings": dict, "seed": int, "backbone": dict, "weights": dict}


def check_place(folder: Path) -> None:
    """Refuse a place that a model cannot be saved in, before anything is computed.

    A folder that holds a saved model, and nothing else, may be written again.

    Raises
    ------
    InputError
        If a file, or a folder of other things, stands there, or nothing can be written.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: a file stands there", allowed="a new folder, or one of a saved model")
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    ours = {WEIGHTS, RECORD} | ({CARD, OWN_BACKBONE} if RECORD in names else set())
    strangers = sorted(name for name in names - ours if not is_stray(name))
    if strangers:
        raise InputError(
            f"{folder}: holds other files",
            received=strangers[:3],
            allowed="a new folder, or one of a saved model",
        )
    check_writable(folder)


@guarded("saved model", hint="fit it again")
def read_record(folder: Path) -> dict[str, Any]:
    """The record of a saved model: ``settings``, ``seed``, ``backbone`` (``digest``, ``source``, ``beside``).

    Raises
    ------
    InputError
        If the folder holds no saved model, a broken one, or one of another version.
    """
    path = folder / RECORD
    lacking = [name for name in (RECORD, WEIGHTS) if not (folder / name).is_file()]
    if lacking:
        what = f"lacks its {lacking[0]}" if len(lacking) == 1 else "no saved model in this folder"
        raise InputError(f"{folder}: {what}", hint=f"saving a model writes {RECORD} and {WEIGHTS}")
    record = read_json(path)
    version = record.get("format", 1) if isinstance(record, dict) else None
    if version != FORMAT:
        earlier = isinstance(version, int) and version < FORMAT
        what = (
            "an earlier version, which did not record all that decides a score"
            if earlier
            else "a later version, or no model"
        )
        raise InputError(
            f"{path}: saved by {what}", received=version, allowed=f"format {FORMAT}", hint="fit it again"
        )
    wrong = [key for key, kind in _KEYS.items() if not isinstance(record.get(key), kind)]
    without = record.get("backbone") == {} and "kind" in record  # a method that has none
    if wrong or not (without or isinstance(record["backbone"].get("digest"), str)):
        raise InputError(f"{path}: broken record", received=wrong or ["backbone.digest"], hint="fit it again")
    return record

"""What a fitted model leaves on disk: the trained tensors alone, and a record of what they belong to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from fusionmedclip.data.files.folders import is_stray
from fusionmedclip.documents import read_json
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded
from fusionmedclip.models.backbones.weight_files import read_safetensors, write_safetensors
from fusionmedclip.outputs import check_writable, whole_file
from fusionmedclip.provenance import digest, file_sha256

__all__ = [
    "CARD",
    "FORMAT",
    "OWN_BACKBONE",
    "RECORD",
    "WEIGHTS",
    "check_place",
    "read_record",
    "read_trained",
    "read_weights",
    "write_trained",
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


def write_trained(folder: Path, parameters: Mapping[str, torch.Tensor], record: Mapping) -> None:
    """Write parameters by name, and a JSON record of what they belong to, each whole or not at all."""
    with whole_file(folder / WEIGHTS) as weights, whole_file(folder / RECORD) as text:
        tensors = {n: p.detach().cpu().contiguous() for n, p in parameters.items()}
        record = {**record, "format": FORMAT}
        write_safetensors(tensors, weights, metadata={"record": digest(record)})
        kept = {**record, "weights": {"sha256": file_sha256(weights)}}
        text.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")


@guarded("saved model", hint="fit it again")
def read_record(folder: Path) -> dict[str, Any]:
    """The record of a saved model: ``settings``, ``seed``, ``backbone`` (``digest``, ``source``, ``beside``).

    Raises
    ------
    InputError
        If the folder holds no saved model, a broken one, or one of another version.
    """
    path = folder / RECORD
    if not path.is_file():
        what = "lacks its record" if (folder / WEIGHTS).is_file() else "no saved model in this folder"
        raise InputError(
            f"{folder}: {what}", hint=f"call save(folder) first; it writes {RECORD} and {WEIGHTS}"
        )
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


@guarded("saved model", hint="fit it again")
def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The saved tensors by name.

    Raises
    ------
    InputError
        If the weights are missing, broken or not those of the record, or the record was altered.
    """
    record, path = read_record(folder), folder / WEIGHTS
    state = read_safetensors(path)
    if record["weights"].get("sha256") != file_sha256(path):
        raise InputError(f"{path}: not the weights that {RECORD} was written with", hint="fit it again")
    with safe_open(path, "pt") as tensors:
        written = (tensors.metadata() or {}).get("record")
    if written != digest({key: value for key, value in record.items() if key != "weights"}):
        raise InputError(f"{folder / RECORD}: altered since the weights were written", hint="fit it again")
    return state


@guarded("saved model", hint="fit it again")
@torch.no_grad()
def read_trained(folder: Path, parameters: Mapping[str, torch.nn.Parameter]) -> None:
    """Copy saved tensors into parameters of the same names and shapes.

    Raises
    ------
    InputError
        As :func:`read_weights`, and if names or shapes differ: other settings, or a backbone of other sizes.
    """
    state = read_weights(folder)
    saved, wanted = ({n: tuple(t.shape) for n, t in ts.items()} for ts in (state, parameters))
    differing = sorted(n for n in saved.keys() | wanted if saved.get(n) != wanted.get(n))
    if differing:
        raise InputError(
            f"weights in {folder} are of other settings or of another backbone",
            received={n: saved.get(n, "absent") for n in differing[:3]},
            allowed=str({n: wanted.get(n, "absent") for n in differing[:3]}),
            hint="make the model with the backbone and settings in its model.json",
        )
    for name, parameter in parameters.items():
        parameter.copy_(state[name])

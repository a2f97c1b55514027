"""What a fitted model leaves on disk: the trained tensors alone, and a record of what they belong to."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open

from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded
from fusionmedclip.models.backbones.weight_files import read_safetensors, write_safetensors
from fusionmedclip.outputs import whole_file
from fusionmedclip.provenance import digest, file_sha256
from fusionmedclip.training.saved_record import FORMAT, RECORD, WEIGHTS, read_record

__all__ = ["read_trained", "read_weights", "write_trained"]


def write_trained(folder: Path, parameters: Mapping[str, torch.Tensor], record: Mapping) -> None:
    """Write parameters by name, and a JSON record of what they belong to, each whole or not at all."""
    with whole_file(folder / WEIGHTS) as weights, whole_file(folder / RECORD) as text:
        tensors = {n: p.detach().cpu().contiguous() for n, p in parameters.items()}
        record = {**record, "format": FORMAT}
        write_safetensors(tensors, weights, metadata={"record": digest(record)})
        kept = {**record, "weights": {"sha256": file_sha256(weights)}}
        text.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")


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

"""What a fitted model leaves on disk: the trained tensors alone, and the settings that give them a place."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from fusionmedclip.errors import InputError

__all__ = ["RECORD", "WEIGHTS", "read_record", "read_trained", "write_trained"]

WEIGHTS, RECORD = "weights.safetensors", "model.json"


def write_trained(folder: Path, parameters: Mapping[str, torch.nn.Parameter], record: Mapping) -> None:
    """Write parameters by name, and a JSON record, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({n: p.detach().cpu().contiguous() for n, p in parameters.items()}, folder / WEIGHTS)
    (folder / RECORD).write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")


def read_record(folder: Path) -> dict[str, Any]:
    """The JSON record of a saved model."""
    path = folder / RECORD
    if not path.is_file():
        raise InputError(
            "no saved model in this folder", received=str(folder), hint="call save(folder) first"
        )
    return json.loads(path.read_text())


@torch.no_grad()
def read_trained(folder: Path, parameters: Mapping[str, torch.nn.Parameter]) -> None:
    """Copy saved tensors into parameters of the same names and shapes.

    Raises
    ------
    InputError
        If names or shapes differ: other settings, or a backbone of other sizes.
    """
    state = load_file(folder / WEIGHTS)
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

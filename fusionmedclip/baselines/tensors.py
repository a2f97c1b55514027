"""What a baseline learnt, as safetensors in a folder."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.weight_files import read_safetensors, write_safetensors

__all__ = ["fitted", "load_tensors", "save_tensors"]

WEIGHTS = "weights.safetensors"


def save_tensors(tensors: Mapping[str, Tensor], folder: Path | str) -> None:
    """Write named tensors into ``weights.safetensors`` of a folder, made if need be."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # A clone: safetensors refuses tensors that share memory.
    plain = {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}
    write_safetensors(plain, folder / WEIGHTS)


def load_tensors(folder: Path | str) -> dict[str, Tensor]:
    """Read what :func:`save_tensors` wrote; what was kept in half precision comes back in single."""
    path = Path(folder) / WEIGHTS
    if not path.is_file():
        raise InputError("no saved model in this folder", received=str(folder), hint="save() writes one")
    return {n: t.float() if t.dtype == torch.float16 else t for n, t in read_safetensors(path).items()}


def fitted(value, what: str):
    """``value``, or an error that the method was not fitted."""
    if value is None:
        raise InputError(f"{what} was not fitted", hint="call fit(support), or restore(folder)")
    return value

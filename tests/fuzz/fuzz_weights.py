"""Checkpoints and saved models, as the fuzz test reads them."""

from pathlib import Path

import torch
from fuzz_target import Target
from safetensors.torch import save_file

from fusionmedclip.models.weights import read_state_dict

__all__ = ["TARGETS"]

STATE = {"visual.a": torch.arange(12.0).reshape(3, 4), "visual.b": torch.ones(5, dtype=torch.int64)}


def _safetensors(folder: Path) -> list[Path]:
    file = folder / "weights.safetensors"
    save_file(STATE, file, metadata={"format": "pt"})
    return [file]


def _torch(folder: Path) -> list[Path]:
    files = [folder / name for name in ("state.pt", "legacy.pt", "training.pt")]
    torch.save(STATE, files[0])
    torch.save(STATE, files[1], _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": {f"module.{n}": v for n, v in STATE.items()}}, files[2])
    return files


TARGETS = (
    Target(name="safetensors", write=_safetensors, read=lambda file, _: read_state_dict(file)),
    Target(name="checkpoint", write=_torch, read=lambda file, _: read_state_dict(file)),
)

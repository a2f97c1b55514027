"""Checkpoints and backbones, as the fuzz test reads them."""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from fusionmedclip import FusionMedCLIP
from fusionmedclip.models.backbones.store import (
    BackboneSettings,
    build_backbone,
    load_backbone,
    save_backbone,
)
from fusionmedclip.models.backbones.weights import read_state_dict
from fusionmedclip.randomness import torch_generator
from tests.fuzz.target import Target

__all__ = ["TARGETS"]

STATE = {
    "visual.a": torch.randn(30, 40, generator=torch_generator("fuzz weights")),
    "visual.b": torch.ones(500, dtype=torch.int64),
    "logit_scale": torch.tensor(2.0),
}
JSON = (b"[" * 5000, b"NaN", b"null", b"[]", b"{}", b",", b"-1", b"1e999", b'"', b"\x00", b"\xe9")
TINY = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 32, "patch_size": 16, "width": 8, "layers": 1, "head_width": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1},
}


def _safetensors(folder: Path) -> list[Path]:
    save_file(STATE, folder / "weights.safetensors", metadata={"format": "pt"})
    return [folder / "weights.safetensors"]


def _torch(folder: Path) -> list[Path]:
    files = [folder / name for name in ("state.pt", "legacy.pt", "training.pt", "script.pt")]
    torch.save(STATE, files[0])
    torch.save(STATE, files[1], _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": {f"module.{n}": v for n, v in STATE.items()}}, files[2])
    torch.jit.script(torch.nn.Linear(20, 20)).save(files[3])
    return files


def _backbone(folder: Path) -> list[Path]:
    settings = BackboneSettings(model=TINY, image_size=32)
    save_backbone(build_backbone(settings), folder, settings)
    return [folder / name for name in ("settings.json", "open_clip_config.json", "model.safetensors")]


def _model(folder: Path) -> list[Path]:
    settings = BackboneSettings(model=TINY, image_size=32)
    save_backbone(build_backbone(settings), folder / "clip", settings)
    rows = {"model": {"layers": [1], "lora": None, "block_adapter": None}, "optimiser": {"epochs": 0}}
    model = FusionMedCLIP(backbone=folder / "clip", settings=rows)
    model.fit(np.zeros((1, 32, 32), np.float32)).save(folder / "model")
    return [folder / "model" / name for name in ("model.json", "weights.safetensors")]


TARGETS = (
    Target(name="safetensors", write=_safetensors, read=lambda file, _: read_state_dict(file), tokens=JSON),
    Target(name="checkpoint", write=_torch, read=lambda file, _: read_state_dict(file)),
    Target(name="saved model", write=_model, read=lambda f, _: FusionMedCLIP.load(f.parent), tokens=JSON),
    Target(name="backbone", write=_backbone, read=lambda file, _: load_backbone(file.parent), tokens=JSON),
)

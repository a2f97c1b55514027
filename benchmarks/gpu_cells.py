"""Cells that `bench_gpu.py` measures: methods of the protocol with random weights, or toys of their make."""

from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

from fusionmedclip.baselines.registry import load
from fusionmedclip.config import load_config, merge
from fusionmedclip.data.phantoms import draw_phantom
from fusionmedclip.methods import OURS, entry_points, make_method
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from fusionmedclip.models.detector import Detector
from fusionmedclip.settings import build, plain

__all__ = ["CELLS", "FEW", "PROTOCOL", "SHOTS", "Cell", "phantoms", "row"]

SHOTS = 16
PROTOCOL = load_config([])
SMALL_CLIP = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 64, "layers": 4, "width": 32, "head_width": 8, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 4, "layers": 2},
}
SMALL: dict[str, dict[str, Any]] = {
    OURS: {"model": {"layers": [2, 3, 4]}},
    "patchcore": {"layers": [2, 3], "embedding": "average"},
    "simplenet": {"layers": [2, 3], "pretrain_dim": 64, "target_dim": 64, "hidden": 32},
    "cutpaste": {"image_size": 64, "train_batch": 4},
    "regad": {"layers": [1, 2, 3], "image_size": 64, "meta_batch": 4, "meta_shots": 2},
    "squid": {"image_size": 64, "width": 4, "queue_slots": 8, "matrix_slots": 8, "train_batch": 4},
    "anoddpm": {"image_size": 32, "channels": [8, 16], "attention": [False, True], "norm_groups": 4},
}
"""What `--small` changes, by kind."""
FEW = {"anoddpm": {"reverse_steps": 10}}
"""Steps on the way back that scoring is timed with."""


@dataclass(frozen=True)
class Cell:
    """One line of the table.

    Attributes
    ----------
    name : str
    method : str
        Of the protocol.
    measured : str
        Line of costs.yaml that it is measured for.
    precision : str
        Of our own method, and of baselines that have the setting.
    small : bool
        A toy of the same make.
    """

    name: str
    method: str
    measured: str
    precision: str = "float32"
    small: bool = False

    @property
    def kind(self) -> str:
        return PROTOCOL.method(self.method)["kind"]

    @property
    def side(self) -> int:
        """Of the images, pixels."""
        return 64 if self.small else PROTOCOL.data["image_size"]

    def settings(self, **changed: Any) -> Any:
        """The method's own dataclass."""
        made = merge(PROTOCOL.method(self.method)["settings"], SMALL[self.kind] if self.small else {})
        kind = load(entry_points(self.kind)[1])
        if hasattr(kind, "precision"):
            made = merge(made, {"precision": self.precision})
        return build(kind, merge(made, changed), where=self.kind)

    def made(self, device: str, **changed: Any) -> Detector:
        """Unfitted, with random weights."""
        settings, name = plain(self.settings(**changed)), PROTOCOL.method(self.method)["backbone"]
        backbone = deepcopy(_backbone(name, self.small)).to(device) if name else None
        return make_method(self.kind, settings, backbone=backbone, device=device)

    def steps(self) -> int:
        """Of the protocol."""
        s = self.settings()
        if self.kind == OURS:
            return s.optimiser.steps(SHOTS)
        if hasattr(s, "budget"):
            return s.budget(SHOTS)
        return getattr(s, "steps", getattr(s, "meta_steps", 0))

    def trained_for(self, steps: int) -> dict[str, Any]:
        """Changes of the settings for some steps of training: whole epochs of our own method."""
        if self.kind == OURS:
            batch = self.settings().optimiser.batch_size
            return {"optimiser": {"epochs": -(-steps * batch // SHOTS)}}
        names = {field for field in ("steps", "meta_steps") if hasattr(self.settings(), field)}
        return dict.fromkeys(names, steps) | ({"epochs": None} if hasattr(self.settings(), "budget") else {})

    def others(self) -> dict[str, Any]:
        """Further arguments of a fit."""
        if not getattr(self.settings(), "learns_from_others", False):
            return {}
        modalities = ("breast_ultrasound", "chest_xray")
        return {"meta": {name: phantoms(name, 32, lesion=False, side=self.side) for name in modalities}}


def row(number: int, precision: str) -> Cell:
    """A row of Table 8 in one precision."""
    method, measured = {5: ("align_adapter", OURS), 6: ("fusionmedclip", f"{OURS}_lora")}[number]
    return Cell(f"row {number}, {precision}", method, measured, precision)


CELLS = (
    *(row(6, precision) for precision in ("float32", "tf32", "bfloat16")),
    row(5, "float32"),
    *(Cell(name, name, name) for name in ("patchcore", "cutpaste", "simplenet", "regad", "squid", "anoddpm")),
    *(Cell(f"{name}, tf32", name, name, "tf32") for name in ("regad", "squid", "anoddpm")),
)


@cache
def _backbone(name: str, small: bool) -> Backbone:
    known = PROTOCOL.backbone_settings(name) | {"pretrained": None}
    if small:
        known |= {"model": SMALL_CLIP if known["kind"] == "open_clip" else "resnet10t", "image_size": 64}
    torch.manual_seed(0)
    return build_backbone(build(BackboneSettings, known, where="backbone"))


@cache
def phantoms(modality: str, count: int, *, lesion: bool, side: int) -> np.ndarray:
    """Drawn pictures (N, side, side); ill and healthy ones have nothing else in common."""
    drawn = [draw_phantom(modality, size=side, lesion=lesion, seed=0, index=i).image for i in range(count)]
    return np.stack(drawn).astype(np.float32)

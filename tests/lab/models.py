"""A configuration in which every kind of method is fitted in a second, and images to fit on."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from fusionmedclip.baselines import KINDS, detector_class
from fusionmedclip.data.phantoms import draw_phantom
from fusionmedclip.lab import AnomalyDetector

CLIP = {
    "embed_dim": 32,
    "vision_cfg": {"layers": 2, "width": 32, "head_width": 16, "patch_size": 16, "image_size": 64},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
PATCHES = {"layers": [1, 2], "embedding": "average"}
SMALL_UNET = {"channels": [8, 8], "attention": [False, False], "residual_blocks": 1, "norm_groups": 4}
METHODS: dict[str, dict[str, Any]] = {
    "fusionmedclip": {"model": {"layers": [1, 2]}, "optimiser": {"epochs": 1}},
    "patchcore": PATCHES,
    "patch_nn": {"layers": [1, 2]},
    "simplenet": {**PATCHES, "hidden": 8, "steps": 2, "train_patches": 16},
    "squid": {
        "image_size": 64, "width": 4, "heads": 4, "queue_slots": 8, "matrix_slots": 8, "steps": 2,
        "train_batch": 2,
    },
    "anoddpm": {**SMALL_UNET, "image_size": 32, "steps": 2, "train_batch": 2, "frequency": 8,
                "test_timesteps": 20, "reverse_steps": 2},
    "cutpaste": {"image_size": 64, "steps": 2, "train_batch": 2},
    "regad": {"image_size": 64, "layers": ["layer1", "layer2"], "meta_steps": 2, "meta_batch": 2,
              "meta_shots": 1},
    "winclip": {},
    "clip_zero_shot": {},
    "promptad": {"layers": [1, 2], "steps": 2},
    "supersimplenet": {"layers": [1, 2], "hidden": 8, "head": 4, "steps": 2},
    "mean_brightness": {},
    "border_darkness": {},
    "contrast": {},
}  # fmt: skip
# The one has tests of its own, the other cannot learn from images of one's own.
METHODS |= {kind: {} for kind in KINDS if kind not in METHODS and kind not in ("anomalib", "anomalyclip")}
WITHOUT = [kind for kind in METHODS if kind in KINDS and not detector_class(kind).needs_backbone]
RESNET = ("regad", "cutpaste")


def write_overlay(folder: Path) -> Path:
    """An overlay with one small method of each kind, named ``my_KIND``."""
    methods = {}
    for kind, settings in METHODS.items():
        backbone = None if kind in WITHOUT else "my_resnet" if kind in RESNET else "my_clip"
        methods[f"my_{kind}"] = {"kind": kind, "backbone": backbone, "settings": settings}
    overlay = {
        "image_size": 64,
        "device": "cpu",
        "backbones": {
            "my_clip": {"title": "tiny CLIP", "kind": "open_clip", "model": CLIP, "layers": [1, 2]},
            "my_resnet": {"title": "tiny ResNet", "kind": "timm", "model": "test_resnet",
                          "layers": ["layer1", "layer2", "layer3", "layer4"]},
        },
        "methods": methods,
    }  # fmt: skip
    path = folder / "overlay.yaml"
    path.write_text(yaml.safe_dump(overlay))
    return path


def phantoms(count: int, *, lesion: bool = False, first: int = 0) -> np.ndarray:
    """(count, 64, 64) float32 phantoms of brains."""
    drawn = [
        draw_phantom("brain_mri", size=64, lesion=lesion, seed=5, index=first + i).image for i in range(count)
    ]
    return np.stack(drawn).astype(np.float32)


def write_pngs(folder: Path, images: np.ndarray) -> list[Path]:
    """8-bit PNGs ``00.png`` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index:02d}.png" for index in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(np.rint(image * 255).astype(np.uint8)).save(path)
    return paths


def small_model(overlay: Path, kind: str = "mean_brightness", **more) -> AnomalyDetector:
    """An unfitted model of one kind."""
    return AnomalyDetector(f"my_{kind}", config=overlay, **{"folds": 2, "batch_size": 4, **more})

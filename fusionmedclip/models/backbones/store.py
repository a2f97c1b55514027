"""Keeping a backbone as a folder that open_clip loads.

A folder holds ``model.safetensors``, ``settings.json``, which says how it came, and, for towers with text,
``open_clip_config.json``: open_clip's ``local-dir:`` layout. A Hugging Face text tower's own configuration
and tokenizer lie beside them, so that loading needs no network.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import open_clip
import torch

from fusionmedclip.documents import read_json
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.build import (
    BackboneSettings,
    build_backbone,
    load_clip_state,
    load_strictly,
)
from fusionmedclip.models.backbones.clip_config import (
    CONFIG,
    architecture,
    filled_later,
    tokenizer_of,
    write_config,
)
from fusionmedclip.models.backbones.timm_towers import make_tower
from fusionmedclip.models.backbones.weight_files import read_safetensors, write_safetensors
from fusionmedclip.outputs import whole_file
from fusionmedclip.settings import build

__all__ = [
    "CONFIG",
    "SETTINGS",
    "WEIGHTS",
    "BackboneSettings",
    "build_backbone",
    "load_backbone",
    "open_backbone",
    "save_backbone",
]

WEIGHTS, SETTINGS = "model.safetensors", "settings.json"


def save_backbone(backbone: Backbone, folder: Path, settings: BackboneSettings) -> None:
    """Write a backbone into a folder: weights as safetensors, architecture and settings as JSON."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    kept = {
        **asdict(settings),
        "mean": backbone.mean.flatten().tolist(),
        "std": backbone.std.flatten().tolist(),
    }
    if settings.kind == "open_clip":
        known = cast(dict[str, Any], architecture(settings.model))  # the model was made of it
        model_cfg = {**known, "quick_gelu": _uses_quick_gelu(backbone)}
        write_config(folder, model_cfg, image_size=settings.image_size)
        _save_hugging_face(backbone, folder)
        write_safetensors(_contiguous(backbone.clip_model.state_dict()), folder / WEIGHTS)
    else:
        write_safetensors(_contiguous(backbone.visual.state_dict()), folder / WEIGHTS)
    with whole_file(folder / SETTINGS) as temporary:  # last: where it lies, all of the backbone does
        temporary.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


def _save_hugging_face(backbone: Backbone, folder: Path) -> None:
    config = getattr(getattr(backbone.clip_model, "text", None), "config", None)
    if config is not None:
        config.save_pretrained(folder)
        backbone.tokenizer.save_pretrained(folder)


def _contiguous(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    # Cloned where two names share one tensor, which safetensors refuses.
    kept, seen = {}, set()
    for name, value in state.items():
        tensor = value.detach().cpu().contiguous()
        kept[name] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return kept


def _uses_quick_gelu(backbone: Backbone) -> bool:
    return any(type(module).__name__ == "QuickGELU" for module in backbone.clip_model.modules())


def open_backbone(source: Backbone | str | Path | Mapping[str, Any]) -> Backbone:
    """A backbone as it is, read from a folder, or made from :class:`BackboneSettings` as a mapping."""
    if isinstance(source, Backbone):
        return source
    if isinstance(source, Mapping):
        return build_backbone(build(BackboneSettings, source, where="backbone"))
    return load_backbone(Path(source))


def load_backbone(folder: Path, *, image_size: int | None = None) -> Backbone:
    """Read a backbone that :func:`save_backbone` wrote, in eval mode, frozen.

    Parameters
    ----------
    folder : path
    image_size : int, optional
        Side of the square input where it differs from the one that was saved; positions are interpolated.

    Raises
    ------
    InputError
        If the folder holds no backbone.
    """
    folder = Path(folder)
    if not (folder / SETTINGS).is_file():
        raise InputError(
            "no backbone in this folder", received=str(folder), hint=f"make it: snakemake {folder}/{SETTINGS}"
        )
    with reading(
        folder / SETTINGS,
        "settings of a backbone",
        hint=f"make it again: snakemake --force {folder}/{SETTINGS}",
    ):
        return _load(folder, read_json(folder / SETTINGS), image_size).eval().requires_grad_(False)


def _load(folder: Path, kept: Mapping[str, Any], image_size: int | None) -> Backbone:
    common = {"mean": kept["mean"], "std": kept["std"]}
    if kept["kind"] == "timm":
        trunk = make_tower(kept["model"], kept["image_size"])
        load_strictly(trunk, read_safetensors(folder / WEIGHTS), str(folder))
        return Backbone(trunk, **common)
    model, tokenizer = _load_clip(folder, kept["image_size"], image_size or kept["image_size"])
    return Backbone(model.visual, clip=model, tokenizer=tokenizer, **common)


def _check_sizes(model_cfg: Mapping[str, Any], weights: Path) -> None:
    """Refuse an architecture with a side that its weights cannot hold once, in two bytes a number."""
    size = weights.stat().st_size
    for part in (model_cfg, model_cfg["vision_cfg"], model_cfg["text_cfg"]):
        for key, value in part.items():
            if isinstance(value, int) and 2 * value > size:
                what = f"{weights.parent}: an architecture that its weights cannot hold"
                raise InputError(what, received=f"{key}: {value:,}", allowed=f"{size:,} bytes of weights")


def _load_clip(folder: Path, saved_size: int, size: int):
    """Model and tokenizer of a folder.

    open_clip's own loading would fill a timm tower before it has its size, and would ask for a Hugging Face
    tower by the name it once had: so the model is made empty, then filled.
    """
    model_cfg = cast(dict[str, Any], architecture(f"local-dir:{folder}"))
    _check_sizes(model_cfg, folder / WEIGHTS)
    timm_tower = "timm_model_name" in model_cfg["vision_cfg"]
    if "hf_model_name" in model_cfg["text_cfg"]:
        here = {"hf_model_name": str(folder.resolve()), "hf_tokenizer_name": str(folder.resolve())}
        model_cfg = {**model_cfg, "text_cfg": {**model_cfg["text_cfg"], **here}}
    with tempfile.TemporaryDirectory() as scratch, filled_later():
        write_config(Path(scratch), model_cfg, image_size=size)
        model = open_clip.create_model(
            f"local-dir:{scratch}",
            force_image_size=saved_size if timm_tower else size,
            pretrained_text=False,
        )
    load_clip_state(model, read_safetensors(folder / WEIGHTS), str(folder))
    if timm_tower and size != saved_size:
        model.visual.set_input_size(size)
    return model, tokenizer_of(model_cfg)

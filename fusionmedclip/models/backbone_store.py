"""Making a backbone from its configuration, and keeping it as a folder that open_clip loads.

A folder holds ``model.safetensors``, ``settings.json``, which says how it came, and, for towers with text,
``open_clip_config.json``: open_clip's ``local-dir:`` layout.
"""

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import open_clip
import timm
import torch
from open_clip.constants import IMAGENET_MEAN, IMAGENET_STD, OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from safetensors.torch import load_file, save_file

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones import Backbone
from fusionmedclip.models.weights import is_openai_checkpoint, read_packaged_weights, read_state_dict
from fusionmedclip.randomness import key

__all__ = ["BackboneSettings", "build_backbone", "load_backbone", "save_backbone"]

CONFIG, WEIGHTS, SETTINGS = "open_clip_config.json", "model.safetensors", "settings.json"


@dataclass(frozen=True, kw_only=True)
class BackboneSettings:
    """What a backbone is made of.

    Attributes
    ----------
    kind : str
        ``"open_clip"`` (image and text tower) or ``"timm"`` (image tower alone).
    model : str or dict
        A model name of open_clip or timm, open_clip's ``hf-hub:`` or ``local-dir:`` address, or an open_clip
        architecture as data (``embed_dim``, ``vision_cfg``, ``text_cfg``, optionally ``quick_gelu``).
    pretrained : str or None
        open_clip's tag (``openai``), a local checkpoint, ``timm`` for timm's own weights of ``model``, or
        None for random weights.
    vision_package : str or None
        Python package whose ImageNet weights go into the image tower.
    quick_gelu : bool or None
        Activation; None takes what the weights were trained with.
    image_size : int
        Side of the square input, pixels.
    init_seed : int
        Keys the random weights, where there are any.
    mean, std : tuple of 3 floats or None
        Normalisation of images in [0, 1]; None takes the weights' own.
    """

    kind: str = "open_clip"
    model: Any = "ViT-L-14-quickgelu"
    pretrained: str | None = None
    vision_package: str | None = None
    quick_gelu: bool | None = None
    image_size: int = 224
    init_seed: int = 0
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None

    def __post_init__(self):
        if self.kind not in ("open_clip", "timm"):
            raise InputError("backbone kind", received=self.kind, allowed="open_clip, timm")


def build_backbone(settings: BackboneSettings) -> Backbone:
    """Make a backbone from its settings, in eval mode, frozen.

    Raises
    ------
    InputError
        If the model is unknown, or its weights cannot be found or do not fit.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key(settings.init_seed, "backbone") % 2**63)
        backbone = _build_clip(settings) if settings.kind == "open_clip" else _build_timm(settings)
    return backbone.eval().requires_grad_(False)


def _build_clip(settings: BackboneSettings) -> Backbone:
    with tempfile.TemporaryDirectory() as scratch:
        name = settings.model
        if isinstance(name, dict):
            name = f"local-dir:{scratch}"
            _write_config(Path(scratch), settings.model, settings)
        state, tag = _checkpoint(settings)
        quick = settings.quick_gelu
        if quick is None and state is not None and is_openai_checkpoint(state):
            quick = True
        try:
            model = open_clip.create_model(
                name,
                pretrained=tag,
                force_image_size=settings.image_size,
                force_quick_gelu=bool(quick) or _tag_quick_gelu(settings),
                pretrained_text=False,
            )
            tokenizer = open_clip.get_tokenizer(name)
        except (RuntimeError, FileNotFoundError, OSError) as error:
            raise InputError(
                f"backbone cannot be made: {error}",
                received=settings.model if isinstance(settings.model, str) else "an architecture as data",
                hint="name a model of open_clip, or set `pretrained` to a local checkpoint",
            ) from error
    if state is not None:
        _load_clip_state(model, state, settings)
    if settings.vision_package:
        model.visual.trunk.load_state_dict(
            _without_classifier(read_packaged_weights(settings.vision_package))
        )
    mean, std = _normalisation(model.visual, settings)
    return Backbone(model.visual, mean=mean, std=std, clip=model, tokenizer=tokenizer)


def _checkpoint(settings: BackboneSettings) -> tuple[dict[str, torch.Tensor] | None, str | None]:
    """Split ``pretrained`` into a state dict read from a file, or a tag left to open_clip."""
    if settings.pretrained is None:
        return None, None
    if Path(settings.pretrained).is_file():
        return read_state_dict(settings.pretrained), None
    tags = open_clip.list_pretrained_tags_by_model(settings.model) if isinstance(settings.model, str) else []
    if settings.pretrained not in tags:
        raise InputError(
            "backbone `pretrained` is neither a file nor a tag of this model",
            received=settings.pretrained,
            allowed=f"an existing file, or one of {', '.join(tags) or 'no tags'}",
        )
    return None, settings.pretrained


def _tag_quick_gelu(settings: BackboneSettings) -> bool:
    if settings.quick_gelu is not None or not isinstance(settings.model, str) or not settings.pretrained:
        return False
    return bool((open_clip.get_pretrained_cfg(settings.model, settings.pretrained) or {}).get("quick_gelu"))


def _load_clip_state(model: torch.nn.Module, state: dict[str, torch.Tensor], settings: BackboneSettings):
    from open_clip.factory import resize_pos_embed, resize_text_pos_embed

    state = {n: v.float() if v.is_floating_point() else v for n, v in state.items()}
    for name in ("input_resolution", "context_length", "vocab_size"):
        state.pop(name, None)
    resize_pos_embed(state, model)
    resize_text_pos_embed(state, model)
    missing, unexpected = model.load_state_dict(state, strict=False)
    if missing or unexpected:
        raise InputError(
            f"checkpoint does not fit the model: missing {missing[:3]}, unexpected {unexpected[:3]}",
            received=settings.pretrained,
            hint="name the architecture that this checkpoint was saved from",
        )


def _build_timm(settings: BackboneSettings) -> Backbone:
    if not isinstance(settings.model, str):
        raise InputError("a timm backbone is named", received=settings.model, allowed="a timm model name")
    try:
        trunk = timm.create_model(settings.model, pretrained=settings.pretrained == "timm")
    except Exception as error:
        raise InputError(
            f"backbone cannot be made: {error}",
            received=settings.model,
            hint="name a model of timm, or set `pretrained` to a local checkpoint",
        ) from error
    if settings.pretrained not in (None, "timm"):
        trunk.load_state_dict(read_state_dict(settings.pretrained))
    if settings.vision_package:
        trunk.load_state_dict(read_packaged_weights(settings.vision_package))
    mean, std = _normalisation(trunk, settings)
    return Backbone(trunk, mean=mean, std=std)


def _without_classifier(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in state.items() if not name.startswith("classifier.")}


def _normalisation(visual: torch.nn.Module, settings: BackboneSettings):
    if settings.mean and settings.std:
        return settings.mean, settings.std
    if settings.vision_package:
        # EfficientNet-Lite was trained on (x - 127) / 128 of 0-255 values.
        return (127 / 255,) * 3, (128 / 255,) * 3
    if settings.kind == "timm":
        config = visual.default_cfg
        return config.get("mean", IMAGENET_MEAN), config.get("std", IMAGENET_STD)
    mean = getattr(visual, "image_mean", None) or OPENAI_DATASET_MEAN
    std = getattr(visual, "image_std", None) or OPENAI_DATASET_STD
    return mean, std


def _write_config(folder: Path, model_cfg: dict, settings: BackboneSettings) -> None:
    config = {"model_cfg": model_cfg, "preprocess_cfg": {"size": settings.image_size}}
    (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


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
        model_cfg = settings.model if isinstance(settings.model, dict) else _architecture(settings.model)
        quick = settings.quick_gelu if settings.quick_gelu is not None else _uses_quick_gelu(backbone)
        _write_config(folder, {**model_cfg, "quick_gelu": quick}, settings)
        save_file(_contiguous(backbone.clip_model.state_dict()), folder / WEIGHTS)
    else:
        save_file(_contiguous(backbone.visual.state_dict()), folder / WEIGHTS)
    (folder / SETTINGS).write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


def _contiguous(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in state.items()}


def _architecture(model: str) -> dict:
    if model.startswith("local-dir:"):
        return json.loads((Path(model.removeprefix("local-dir:")) / CONFIG).read_text())["model_cfg"]
    if model.startswith("hf-hub:"):
        from open_clip.factory import _get_hf_config

        return _get_hf_config(model.removeprefix("hf-hub:"))["model_cfg"]
    return open_clip.get_model_config(model)


def _uses_quick_gelu(backbone: Backbone) -> bool:
    return any(type(module).__name__ == "QuickGELU" for module in backbone.clip_model.modules())


def load_backbone(folder: Path, *, image_size: int | None = None) -> Backbone:
    """Read a backbone that :func:`save_backbone` wrote, in eval mode, frozen."""
    folder = Path(folder)
    if not (folder / SETTINGS).is_file():
        raise InputError(
            "no backbone in this folder", received=str(folder), hint=f"make it: snakemake {folder}/{SETTINGS}"
        )
    kept = json.loads((folder / SETTINGS).read_text())
    size = image_size or kept["image_size"]
    common = {"mean": kept["mean"], "std": kept["std"]}
    if kept["kind"] == "timm":
        trunk = timm.create_model(kept["model"])
        trunk.load_state_dict(load_file(folder / WEIGHTS))
        backbone = Backbone(trunk, **common)
    else:
        name = f"local-dir:{folder}"
        model = open_clip.create_model(name, force_image_size=size, pretrained_text=False)
        backbone = Backbone(model.visual, clip=model, tokenizer=open_clip.get_tokenizer(name), **common)
    return backbone.eval().requires_grad_(False)

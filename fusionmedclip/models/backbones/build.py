"""Making a backbone from its configuration: open_clip or timm, weights from a tag, a file or none."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.constants import IMAGENET_MEAN, IMAGENET_STD, OPENAI_DATASET_MEAN, OPENAI_DATASET_STD

from fusionmedclip.errors import InputError, PassingError
from fusionmedclip.guard import reason
from fusionmedclip.models.backbones.backbone import Backbone, Network
from fusionmedclip.models.backbones.clip_config import architecture, filled_later, tokenizer_of, write_config
from fusionmedclip.models.backbones.timm_towers import make_tower, tower_state
from fusionmedclip.models.backbones.weight_files import find_weights
from fusionmedclip.models.backbones.weights import (
    Checkpoint,
    read_checkpoint,
    read_packaged_weights,
    read_state_dict,
)
from fusionmedclip.randomness import key

__all__ = ["BackboneSettings", "build_backbone", "load_clip_state", "load_strictly"]


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
        open_clip's tag (``openai``), a local checkpoint or the folder that holds it, ``timm`` for timm's own
        weights of ``model``, or None for random weights.
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
        if self.image_size < 1:
            raise InputError("backbone image_size", received=self.image_size, allowed="a whole number from 1")


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
    checkpoint, tag = _checkpoint(settings)
    quick = _quick_gelu(settings, checkpoint)
    with tempfile.TemporaryDirectory() as scratch, filled_later():
        name = settings.model
        if isinstance(name, dict):
            name = f"local-dir:{scratch}"
            write_config(Path(scratch), settings.model, image_size=settings.image_size)
        try:
            model = open_clip.create_model(
                name,
                pretrained=tag,
                force_image_size=settings.image_size,
                force_quick_gelu=quick,
                pretrained_text=False,
                load_weights=checkpoint is None,
            )
            tokenizer = tokenizer_of(settings.model)
        except Exception as error:
            passing = isinstance(error, OSError | MemoryError)  # a network, a disk, a full machine
            raise (PassingError if passing else InputError)(
                f"backbone cannot be made ({reason(error)})",
                received=settings.model if isinstance(settings.model, str) else "an architecture as data",
                hint="name a model of open_clip, or set `pretrained` to a local checkpoint",
            ) from error
    if checkpoint is not None:
        load_clip_state(model, checkpoint.tensors, settings.pretrained)
    if settings.vision_package:
        packaged = _without_classifier(read_packaged_weights(settings.vision_package))
        load_strictly(getattr(model.visual, "trunk", model.visual), packaged, settings.vision_package)
    mean, std = _normalisation(model.visual, settings)
    return Backbone(model.visual, mean=mean, std=std, clip=model, tokenizer=tokenizer)


def _checkpoint(settings: BackboneSettings) -> tuple[Checkpoint | None, str | None]:
    """Split ``pretrained`` into weights read from a file, or a tag left to open_clip."""
    if settings.pretrained is None:
        named = settings.model if isinstance(settings.model, str) else ""
        if not named.startswith("local-dir:"):
            return None, None
        return read_checkpoint(find_weights(Path(named.removeprefix("local-dir:")))), None
    path = Path(settings.pretrained).expanduser()
    if path.exists():
        return read_checkpoint(find_weights(path) if path.is_dir() else path), None
    tags = open_clip.list_pretrained_tags_by_model(settings.model) if isinstance(settings.model, str) else []
    if settings.pretrained not in tags:
        raise InputError(
            "backbone `pretrained` is neither a file nor a tag of this model",
            received=settings.pretrained,
            allowed=f"an existing file or folder, or one of {', '.join(tags) or 'no tags'}",
        )
    return None, settings.pretrained


def _quick_gelu(settings: BackboneSettings, checkpoint: Checkpoint | None) -> bool:
    """Whether QuickGELU must be put in: as asked, or as the weights were trained."""
    trained = checkpoint and checkpoint.quick_gelu
    asked = trained if settings.quick_gelu is None else settings.quick_gelu
    built_in = bool((architecture(settings.model) or {}).get("quick_gelu"))
    if asked is False and built_in:
        raise InputError(
            "backbone quick_gelu: false contradicts the model, whose architecture has QuickGELU",
            received=settings.model if isinstance(settings.model, str) else "an architecture as data",
            hint="name the model without -quickgelu, or leave quick_gelu out",
        )
    if asked is None and checkpoint is not None and checkpoint.transformers and not built_in:
        raise InputError(
            "these weights do not say with which activation they were trained",
            received=settings.pretrained,
            hint="put their config.json beside them, or set quick_gelu (true for OpenAI's weights)",
        )
    if asked is not None or checkpoint is not None:
        return bool(asked)
    if not isinstance(settings.model, str) or not settings.pretrained:
        return False
    return bool((open_clip.get_pretrained_cfg(settings.model, settings.pretrained) or {}).get("quick_gelu"))


def load_clip_state(model: torch.nn.Module, state: dict[str, torch.Tensor], source: str | None) -> None:
    """Load a state dict strictly, position embeddings interpolated to the model's sizes."""
    from open_clip.factory import resize_pos_embed, resize_text_pos_embed

    state = {n: v.float() if v.is_floating_point() else v for n, v in state.items()}
    for name in ("input_resolution", "context_length", "vocab_size"):
        state.pop(name, None)
    own = model.state_dict()
    # Buffers of positions 0, 1, 2 ... that transformers before 4.31 stored
    state = {n: v for n, v in state.items() if n in own or not n.endswith(".position_ids")}
    resize_pos_embed(state, model)
    resize_text_pos_embed(state, model)
    load_strictly(model, state, source)


def load_strictly(module: torch.nn.Module, state: dict[str, torch.Tensor], source: str | None) -> None:
    """Load a state dict whose names and shapes must all be the module's."""
    own = module.state_dict()
    missing, unexpected = sorted(own.keys() - state), sorted(state.keys() - own)
    shapes = [n for n in own.keys() & state if own[n].shape != state[n].shape]
    if missing or unexpected or shapes:
        raise InputError(
            f"weights do not fit the model: missing {missing[:3]}, unexpected {unexpected[:3]}, "
            f"of another shape {sorted(shapes)[:3]}",
            received=source,
            hint="name the architecture that these weights were saved from",
        )
    module.load_state_dict(state)


def _build_timm(settings: BackboneSettings) -> Backbone:
    if not isinstance(settings.model, str):
        raise InputError("a timm backbone is named", received=settings.model, allowed="a timm model name")
    try:
        trunk = make_tower(settings.model, settings.image_size, pretrained=settings.pretrained == "timm")
    except Exception as error:
        raise InputError(
            f"backbone cannot be made: {error}",
            received=settings.model,
            hint="name a model of timm, or set `pretrained` to a local checkpoint",
        ) from error
    if settings.pretrained not in (None, "timm"):
        state = tower_state(read_state_dict(settings.pretrained), trunk)
        load_strictly(trunk, state, settings.pretrained)
    if settings.vision_package:
        load_strictly(trunk, read_packaged_weights(settings.vision_package), settings.vision_package)
    mean, std = _normalisation(trunk, settings)
    return Backbone(trunk, mean=mean, std=std)


def _without_classifier(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in state.items() if not name.startswith("classifier.")}


def _normalisation(visual: Network, settings: BackboneSettings):
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

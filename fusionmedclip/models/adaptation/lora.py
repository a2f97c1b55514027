"""Low-rank adaptation of an image tower (thesis Eq. 8), with peft."""

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora.layer import LoraLayer
from torch import nn

from fusionmedclip.errors import InputError
from fusionmedclip.models.adaptation.activation import fuse_quick_gelu
from fusionmedclip.models.adaptation.attention import split_attention
from fusionmedclip.models.adaptation.lora_linear import LowRankLinear, LowRankPointwise
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.settings import LoraSettings
from fusionmedclip.randomness import key

__all__ = ["add_lora", "lora_parameters", "lora_targets", "train_lora"]

_VIT_TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj", "c_fc", "c_proj")
_OUTPUT_PROJECTIONS = (".out_proj", ".attn.proj")  # open_clip's, timm's


def lora_targets(backbone: Backbone, *, output_projection: bool = True) -> list[str]:
    """Names of the layers that take LoRA, inside ``backbone.visual``.

    open_clip ViT: q, k, v and output projections and both MLP layers (``fc1``, ``fc2`` of Table A1 are
    ``c_fc``, ``c_proj`` there) of every block. timm towers: every linear layer (q, k, v apart once attention
    is split) and every pointwise (1x1, ungrouped) convolution of the blocks. Without ``output_projection``
    the attention's own is left out.
    """
    targets = _all_targets(backbone)
    if output_projection:
        return targets
    return [name for name in targets if not name.endswith(_OUTPUT_PROJECTIONS)]


def _all_targets(backbone: Backbone) -> list[str]:
    if backbone.is_vit:
        blocks = backbone.visual.transformer
        return [
            f"transformer.{name}"
            for name, module in blocks.named_modules()
            if isinstance(module, nn.Linear) and name.rsplit(".", 1)[-1] in _VIT_TARGETS
        ]
    return [
        name
        for name, module in backbone.visual.named_modules()
        if _in_block(name) and (isinstance(module, nn.Linear) or _is_pointwise(module))
    ]


def _in_block(name: str) -> bool:
    parts = name.split(".")
    adapted = "base_layer" in parts or any(part.startswith("lora_") for part in parts)
    return not adapted and ("blocks" in parts or "layer" in name or "stages" in parts)


def _is_pointwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1


def add_lora(backbone: Backbone, settings: LoraSettings, *, seed: int) -> list[str]:
    """Give the image tower of a backbone its low-rank updates, in place.

    A starts random (Kaiming, keyed by ``seed``) and B at zero, so that the tower's output does not change.

    Returns
    -------
    list of str
        The layers that were adapted.
    """
    split_attention(backbone.visual)
    fuse_quick_gelu(backbone.visual)
    targets = lora_targets(backbone, output_projection=settings.output_projection)
    if not targets:
        raise InputError("this image tower has no layer that LoRA could adapt", hint="switch `lora` off")
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # type: ignore[arg-type]  # peft only divides it by r
        lora_dropout=settings.dropout,
        target_modules=targets,
        bias="none",
    )
    config._register_custom_module({nn.Linear: LowRankLinear, nn.Conv2d: LowRankPointwise})
    training = backbone.visual.training
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key(seed, "lora") % 2**63)
        inject_adapter_in_model(config, backbone.visual)
    backbone.visual.train(training)
    return targets


def lora_parameters(backbone: Backbone) -> dict[str, nn.Parameter]:
    """The matrices A and B by name."""
    return {name: p for name, p in backbone.visual.named_parameters() if "lora_" in name}


def train_lora(backbone: Backbone, mode: bool) -> None:
    """Train or eval mode of what LoRA added; the layers that it was added to stay in eval mode."""
    tower: nn.Module = backbone.visual
    for layer in tower.modules():
        if isinstance(layer, LoraLayer):
            layer.train(mode).get_base_layer().eval()

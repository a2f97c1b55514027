"""AdamW with layer-wise rates, and the schedule they follow."""

import math
from collections import defaultdict

import torch
from timm.models import group_parameters

from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.training.pretrain.settings import PretrainSettings

__all__ = ["layer_numbers", "learning_rate", "make_optimiser", "set_learning_rate"]


def layer_numbers(backbone: Backbone) -> dict[str, int]:
    """Layer of each parameter of the image tower, counted from 0 at the input.

    Embeddings are layer 0, blocks 1 to L (in timm's towers, the layers of its own ``group_matcher``), and
    the final norm and the projection one more.
    """
    names = [name for name, _ in backbone.visual.named_parameters()]
    if backbone.is_vit:
        top = len(backbone.visual.transformer.resblocks) + 1
        return {name: _vit_layer(name, top) for name in names}
    groups = group_parameters(backbone.trunk, backbone.trunk.group_matcher())
    numbers = {f"trunk.{name}": number for number, members in groups.items() for name in members}
    return {name: numbers.get(name, max(groups) + 1) for name in names}


def _vit_layer(name: str, top: int) -> int:
    if name.startswith("transformer.resblocks."):
        return int(name.split(".")[2]) + 1
    at_input = name.startswith(("conv1", "class_embedding", "positional_embedding", "ln_pre"))
    return 0 if at_input else top


def make_optimiser(backbone: Backbone, settings: PretrainSettings) -> torch.optim.AdamW:
    """AdamW over the trainable parameters of the image tower (Table A2; LLRD: Clark et al., 2020).

    Each parameter group has ``lr_scale``, ``layer_decay`` to the power of the layers above it.
    """
    layers = layer_numbers(backbone)
    top = max(layers.values())
    groups = defaultdict(list)
    for name, parameter in backbone.visual.named_parameters():
        if parameter.requires_grad:
            decayed = parameter.ndim > 1 and not name.endswith(("_embedding", "pos_embed", "_token"))
            groups[layers[name], decayed].append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "weight_decay": settings.weight_decay if decayed else 0.0,
                "lr_scale": settings.layer_decay ** (top - layer),
            }
            for (layer, decayed), parameters in sorted(groups.items(), key=lambda item: item[0])
        ],
        lr=settings.learning_rate,
        betas=settings.betas,
        eps=settings.epsilon,
    )


def learning_rate(step: int, *, settings: PretrainSettings, steps_per_epoch: int) -> float:
    """Rate of the last layers at a step counted from 0 over the whole run.

    Linear from one part of the warm-up to the peak, then a cosine that reaches the floor at the last step.
    """
    warm = round(settings.warmup_epochs * steps_per_epoch)
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    span = max(1, settings.max_epochs * steps_per_epoch - 1 - warm)
    share = (1 + math.cos(math.pi * (step - warm) / span)) / 2
    return settings.min_learning_rate + (settings.learning_rate - settings.min_learning_rate) * share


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give each group its share of the rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["lr_scale"]

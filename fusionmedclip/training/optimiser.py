"""The optimiser of Stages 2 and 3: one parameter group a component (thesis Table A1)."""

import math
from collections.abc import Mapping

import torch
from torch import nn

from fusionmedclip.steps.optimisers import device_options
from fusionmedclip.training.fit_settings import OptimiserSettings

__all__ = ["STAGE3", "make_optimiser", "set_rates"]

STAGE3 = ("lora", "block_adapter")
"""Components that Stage 3 adds to those of Stage 2 (section 3.3)."""


def make_optimiser(
    components: Mapping[str, Mapping[str, nn.Parameter]], settings: OptimiserSettings
) -> torch.optim.Optimizer:
    """Optimiser over the trainable parameters alone, so that frozen parts hold no state.

    Parameters
    ----------
    components : mapping of component to named parameters
        From :meth:`fusionmedclip.models.fusion.FusionModel.components`.
    """
    groups = [
        {"params": list(parameters.values()), "lr": getattr(settings.learning_rates, name), "name": name}
        for name, parameters in components.items()
    ]
    kind = torch.optim.AdamW if settings.name == "adamw" else torch.optim.Adam
    device = next(parameter.device for group in groups for parameter in group["params"])
    return kind(
        groups,
        betas=settings.betas,
        eps=settings.epsilon,
        weight_decay=settings.weight_decay,
        **device_options(kind, device),
    )


def set_rates(updates: torch.optim.Optimizer, settings: OptimiserSettings, *, done: float) -> None:
    """Give each group its learning rate after a share ``done`` of all steps, 0 to 1."""
    if settings.schedule == "cosine":
        share = 0.5 * (1 + math.cos(math.pi * done))
        for group in updates.param_groups:
            group["lr"] = share * getattr(settings.learning_rates, group["name"])

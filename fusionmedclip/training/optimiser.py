"""The optimiser of Stages 2 and 3: one parameter group a component (thesis Table A1)."""

from collections.abc import Mapping

import torch
from torch import nn

from fusionmedclip.training.settings import OptimiserSettings

__all__ = ["make_optimiser"]


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
    return kind(groups, betas=settings.betas, eps=settings.epsilon, weight_decay=settings.weight_decay)

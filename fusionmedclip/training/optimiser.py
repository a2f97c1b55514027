"""The optimiser of Stages 2 and 3: one parameter group a component (thesis Table A1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from fusionmedclip.errors import InputError

__all__ = ["LearningRates", "OptimiserSettings", "make_optimiser"]


@dataclass(frozen=True, kw_only=True)
class LearningRates:
    """Constant learning rate of each component; the thesis states no schedule for Stages 2 and 3.

    Attributes
    ----------
    prompt, alignment, lora, block_adapter : float
        Table A1.
    temperature : float
        Of a learnable tau; not stated, taken as the prompt's.
    """

    prompt: float = 1e-3
    alignment: float = 1e-3
    lora: float = 3e-5
    block_adapter: float = 5e-5
    temperature: float = 1e-3


@dataclass(frozen=True, kw_only=True)
class OptimiserSettings:
    """Table A1.

    Attributes
    ----------
    name : str
        ``adamw``, or ``adam`` (MediCLIP).
    epochs : int
        Passes over the support set, one synthetic draw an image; 0 trains nothing.
    batch_size : int
        Images a step; the last step of an epoch may have fewer.
    weight_decay, betas, epsilon
        Of the optimiser.
    learning_rates : LearningRates
    """

    name: str = "adamw"
    epochs: int = 200
    batch_size: int = 8
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    learning_rates: LearningRates = field(default_factory=LearningRates)

    def __post_init__(self):
        if self.name not in ("adamw", "adam"):
            raise InputError("optimiser.name", received=self.name, allowed="adamw, adam")
        if self.epochs < 0:
            raise InputError("optimiser.epochs", received=self.epochs, allowed="a whole number from 0")
        if self.batch_size < 1:
            raise InputError(
                "optimiser.batch_size", received=self.batch_size, allowed="a whole number from 1"
            )

    def steps(self, k: int) -> int:
        """Optimisation steps of a run with k support images: 200/200/400/800 for k = 4/8/16/32."""
        return self.epochs * -(-k // self.batch_size)


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

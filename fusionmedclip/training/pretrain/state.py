"""How far a run has come, and all that is needed to go on from there."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

import torch
from torch import Tensor, nn

from fusionmedclip.training.pretrain.settings import PretrainSettings

__all__ = ["RunState", "restore_tensors", "run_tensors", "trained_parameters"]


@dataclass
class RunState:
    """Position, early stopping and logs of a run.

    Attributes
    ----------
    epoch, step : int
        Finished epochs, and steps done in the epoch under way. Order of data, augmentation, mixup and
        dropout depend on these alone, so there is no generator's state to keep.
    best_loss : float or None
        Lowest validation loss that counted as an improvement.
    best_epoch : int
        The epoch it belongs to, counted from 1.
    stale : int
        Epochs since then.
    log : list of dict
        A row a step.
    curves : list of dict
        A row an epoch, split and metric.
    """

    epoch: int = 0
    step: int = 0
    best_loss: float | None = None
    best_epoch: int = 0
    stale: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)

    def finished(self, settings: PretrainSettings) -> bool:
        """Whether the last epoch is over or early stopping has come in."""
        return self.epoch >= settings.max_epochs or 0 < settings.patience <= self.stale

    def improved(self, loss: float, settings: PretrainSettings) -> bool:
        """Take note of the validation loss of the epoch just finished; whether it is an improvement."""
        if self.best_loss is None or loss < self.best_loss - settings.min_delta:
            self.best_loss, self.best_epoch, self.stale = loss, self.epoch, 0
            return True
        self.stale += 1
        return False

    def to_json(self) -> dict[str, Any]:
        """As mappings, lists and numbers."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        """From what :meth:`to_json` gave."""
        return cls(**{f.name: kept[f.name] for f in fields(cls)})


def trained_parameters(visual: nn.Module) -> dict[str, nn.Parameter]:
    """Trainable parameters of the image tower by name."""
    return {name: p for name, p in visual.named_parameters() if p.requires_grad}


def run_tensors(
    visual: nn.Module, optimiser: torch.optim.Optimizer, best: dict[str, Tensor]
) -> dict[str, Tensor]:
    """All tensors of a checkpoint: weights, AdamW's moments and step counts, best weights so far."""
    tensors = {f"best.{name}": value for name, value in best.items()}
    for name, parameter in trained_parameters(visual).items():
        tensors[f"weight.{name}"] = parameter
        for key, value in optimiser.state[parameter].items():
            tensors[f"{key}.{name}"] = value
    return tensors


def restore_tensors(
    tensors: dict[str, Tensor], visual: nn.Module, optimiser: torch.optim.Optimizer
) -> dict[str, Tensor]:
    """Put a checkpoint's tensors back in place; returns the best weights so far."""
    for name, parameter in trained_parameters(visual).items():
        parameter.data.copy_(tensors[f"weight.{name}"])
        optimiser.state[parameter] = {
            # AdamW keeps its step count on the CPU.
            "step": tensors[f"step.{name}"].clone(),
            "exp_avg": torch.empty_like(parameter).copy_(tensors[f"exp_avg.{name}"]),
            "exp_avg_sq": torch.empty_like(parameter).copy_(tensors[f"exp_avg_sq.{name}"]),
        }
    return {key.removeprefix("best."): v.clone() for key, v in tensors.items() if key.startswith("best.")}

"""How an optimiser computes on a device."""

from typing import Any

import torch
from torch import Tensor

__all__ = ["device_options", "rate_of", "step_at"]


def device_options(kind: type[torch.optim.Optimizer], device: torch.device) -> dict[str, Any]:
    """Options of Adam, AdamW or SGD: on a GPU one launch for all tensors, which a graph may hold.

    A CPU keeps the order of operations that it always had.
    """
    if device.type != "cuda":
        return {}
    return {"fused": True} if kind is torch.optim.SGD else {"fused": True, "capturable": True}


def rate_of(optimiser: torch.optim.Optimizer, device: torch.device) -> tuple[Tensor, ...]:
    """The learning rate as a tensor of a GPU's batch, since a recorded step would keep a number.

    Nothing on a CPU, where a step reads the number.
    """
    return (torch.full((), optimiser.param_groups[0]["lr"], device=device),) if device.type == "cuda" else ()


def step_at(optimiser: torch.optim.Optimizer, *rate: Tensor) -> None:
    """One step of an optimiser at what :func:`rate_of` gave; its schedule goes on with numbers."""
    group = optimiser.param_groups[0]
    number = group["lr"]
    try:
        group["lr"] = rate[0] if rate else number
        optimiser.step()
    finally:
        group["lr"] = number

"""How an optimiser computes on a device."""

from typing import Any

import torch

__all__ = ["device_options"]


def device_options(kind: type[torch.optim.Optimizer], device: torch.device) -> dict[str, Any]:
    """Options of Adam, AdamW or SGD: on a GPU one launch for all tensors, which a graph may hold.

    A CPU keeps the order of operations that it always had.
    """
    if device.type != "cuda":
        return {}
    return {"fused": True} if kind is torch.optim.SGD else {"fused": True, "capturable": True}

"""Where to compute."""

import torch

__all__ = ["torch_device"]


def torch_device(name: str) -> str:
    """``cpu`` or ``cuda``; ``auto`` takes a GPU where there is one."""
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"

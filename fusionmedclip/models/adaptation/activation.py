"""QuickGELU in fewer passes over memory."""

import torch
from open_clip.transformer import QuickGELU
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

__all__ = ["FusedQuickGELU", "fuse_quick_gelu"]

_SLOPE = 1.702


class _Product(torch.autograd.Function):
    """x sigmoid(1.702 x) = silu(1.702 x) / 1.702: one kernel each way, and nothing kept but x."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return F.silu(x * _SLOPE, inplace=True).div_(_SLOPE)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return torch.ops.aten.silu_backward(grad, x * _SLOPE)


class FusedQuickGELU(nn.Module):
    """OpenAI CLIP's activation, equal to open_clip's to rounding."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return _Product.apply(x)


def fuse_quick_gelu(tower: nn.Module) -> int:
    """Replace open_clip's QuickGELU inside a tower, in place; returns how many there were."""
    owners = [
        (owner, name)
        for owner in tower.modules()
        for name, child in owner.named_children()
        if isinstance(child, QuickGELU)
    ]
    for owner, name in owners:
        setattr(owner, name, FusedQuickGELU())
    return len(owners)

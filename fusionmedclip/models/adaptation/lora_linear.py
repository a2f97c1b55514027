"""A linear layer or a 1x1 convolution with its low-rank update as one differentiable step (thesis Eq. 8).

The same mathematics as peft's layer. On a CPU at a third of its cost beside the frozen product: nothing as
large as the input is kept but the input itself, and the thin products run in the order in which BLAS is fast.
On a GPU in few launches.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from peft.tuners.lora.layer import Conv2d, Linear, LoraLayer
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = ["LowRankLinear", "LowRankPointwise", "keep_mask"]

_CHUNK = 2**18
"""Elements worked on at a time where dropout acts, so that they stay in the processor's cache."""
_LANES = 2**16


def keep_mask(shape: tuple[int, ...], dropout: float) -> tuple[Tensor, float]:
    """Independent keep-or-drop decisions from torch's own generator, four of each 64-bit draw.

    Parameters
    ----------
    shape : tuple of int
    dropout : float
        Probability of a drop, in [0, 1); taken to the nearest 1/65536.

    Returns
    -------
    keep : uint8 tensor of that shape
        1 keeps, 0 drops.
    probability : float
        Of a keep, exactly.
    """
    size = torch.Size(shape).numel()
    threshold = min(round(dropout * _LANES), _LANES - 1)
    words = torch.empty(-(-size // 4), dtype=torch.int64).random_(-(2**63), None)
    lanes = words.view(torch.int16)[:size]
    return (lanes >= threshold - _LANES // 2).view(torch.uint8).view(shape), 1 - threshold / _LANES


def _chunks(rows: int, width: int) -> Iterator[slice]:
    step = max(1, _CHUNK // width)
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


class _LowRankProduct(torch.autograd.Function):
    """x W^T + b + scale (keep * x) A^T B^T of rows x (N, in)."""

    @staticmethod
    def forward(ctx, x, weight, bias, a, b, keep, scale):
        y = x @ weight.T if bias is None else torch.addmm(bias, x, weight.T)
        if keep is None:
            low = a @ x.T
        else:
            low, kept = x.new_empty(a.shape[0], x.shape[0]), None
            for rows in _chunks(*x.shape):
                kept = x.new_empty(x[rows].shape) if kept is None else kept[: rows.stop - rows.start]
                low[:, rows] = a @ kept.copy_(keep[rows]).mul_(x[rows]).T
        low *= scale
        y.addmm_(low.T, b.T)
        ctx.save_for_backward(x, weight, a, b, keep, low)
        ctx.scale = scale
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, weight, a, b, keep, low = ctx.saved_tensors
        grad = grad.contiguous()
        grad_b = (low @ grad).T
        grad_low = (b.T @ grad.T) * ctx.scale
        grad_x = grad @ weight if ctx.needs_input_grad[0] else None
        if keep is None:
            grad_a = grad_low @ x
            if grad_x is not None:
                grad_x.addmm_(grad_low.T, a)
        else:
            grad_a = _masked_backward(x, a, keep, grad_low, grad_x)
        return grad_x, None, None, grad_a, grad_b, None, None


def _masked_backward(x: Tensor, a: Tensor, keep: Tensor, grad_low: Tensor, grad_x: Tensor | None) -> Tensor:
    """Gradient of A, and the low-rank part of the gradient of x added in place."""
    grad_a, mask, part = torch.zeros_like(a), None, None
    for rows in _chunks(*x.shape):
        count = rows.stop - rows.start
        mask = x.new_empty(count, x.shape[1]) if mask is None else mask[:count]
        part = torch.empty_like(mask) if part is None else part[:count]
        mask.copy_(keep[rows])
        grad_a.addmm_(grad_low[:, rows], torch.mul(mask, x[rows], out=part))
        if grad_x is not None:
            grad_x[rows].add_(torch.mm(grad_low[:, rows].T, a, out=part).mul_(mask))
    return grad_a


class _LaunchedProduct(torch.autograd.Function):
    """The same where a launch costs more than what it computes: four there, seven on the way back."""

    @staticmethod
    def forward(ctx, x, weight, bias, a, b, dropout, scale):
        y = x @ weight.T if bias is None else torch.addmm(bias, x, weight.T)
        kept, keep = torch.native_dropout(x, dropout, True) if dropout else (x, None)
        low = kept @ a.T
        ctx.save_for_backward(kept, weight, a, b, keep, low)
        ctx.dropout, ctx.scale = dropout, scale
        return y.addmm_(low, b.T, alpha=scale)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        kept, weight, a, b, keep, low = ctx.saved_tensors
        # beta = 0: only the shape of the first is read
        grad_b = torch.addmm(b, grad.T, low, beta=0, alpha=ctx.scale)
        grad_low = torch.addmm(low, grad, b, beta=0, alpha=ctx.scale)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = grad @ weight
            if keep is None:
                grad_x.addmm_(grad_low, a)
            else:
                grad_x += torch.ops.aten.native_dropout_backward(grad_low @ a, keep, 1 / (1 - ctx.dropout))
        return grad_x, None, None, grad_low.T @ kept, grad_b, None, None


class _OneStep(LoraLayer):
    """peft's layer, computed in one step where that is possible.

    For what peft can do beyond Eq. 8 (several adapters, merging, variants), peft's own forward runs.
    """

    def _in_one_step(self, x: Tensor) -> bool:
        plain = not (self.disable_adapters or self.merged or self.lora_variant)
        return plain and len(self.active_adapters) == 1

    def _of_rows(self, rows: Tensor) -> Tensor:
        """Rows (N, in) to (N, out); autocast and dropout are honoured."""
        name, device = self.active_adapters[0], rows.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else rows.dtype
        dropout = self.lora_dropout[name]
        # As in peft's forward the dropout's own mode decides: the tower around may be kept in eval mode.
        share = dropout.p if dropout.training and isinstance(dropout, nn.Dropout) else 0.0
        base: Any = self.get_base_layer()
        weights: Any = (base.weight, self.lora_A[name].weight, self.lora_B[name].weight)
        weight, a, b = (tensor.flatten(1).to(dtype) for tensor in weights)  # a 1x1 kernel is a matrix
        bias = None if base.bias is None else base.bias.to(dtype)
        with torch.autocast(device, enabled=False):
            return _product(rows.to(dtype), (weight, bias, a, b), dropout=share, scale=self.scaling[name])


class LowRankLinear(_OneStep, Linear):
    """peft's LoRA layer of a linear layer in one step."""

    def forward(self, x: Tensor, *args, **kwargs) -> Tensor:
        """Rows (..., in) to (..., out)."""
        if args or kwargs or not self._in_one_step(x):
            return super().forward(x, *args, **kwargs)
        rows = self._of_rows(x.reshape(-1, x.shape[-1]))
        return rows.view(*x.shape[:-1], rows.shape[-1])


class LowRankPointwise(_OneStep, Conv2d):
    """peft's LoRA layer of a 1x1 convolution in one step: a linear layer of each position."""

    def forward(self, x: Tensor, *args, **kwargs) -> Tensor:
        """Maps (B, in, H, W) to (B, out, H, W), channels last in memory."""
        if args or kwargs or not self._in_one_step(x):
            return super().forward(x, *args, **kwargs)
        positions = x.permute(0, 2, 3, 1)
        rows = self._of_rows(positions.reshape(-1, x.shape[1]))
        return rows.view(*positions.shape[:3], rows.shape[-1]).permute(0, 3, 1, 2)

    def _in_one_step(self, x: Tensor) -> bool:
        layer: Any = self.get_base_layer()
        every = (layer.kernel_size, layer.stride, layer.groups) == ((1, 1), (1, 1), 1)
        plain = every and layer.padding in (0, (0, 0), "same", "valid") and x.ndim == 4
        return plain and super()._in_one_step(x)


def _product(rows: Tensor, tensors: Sequence[Any], *, dropout: float, scale: float) -> Tensor:
    """Of rows (N, in) with weight, bias or None, A and B, as their device does it best."""
    if rows.device.type != "cpu":
        return _LaunchedProduct.apply(rows, *tensors, dropout, scale)
    keep, kept = keep_mask(tuple(rows.shape), dropout) if dropout else (None, 1.0)
    return _LowRankProduct.apply(rows, *tensors, keep, scale / kept)

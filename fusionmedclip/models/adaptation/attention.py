"""Attention with separate query, key and value projections, so that each can take its own LoRA.

Table A1 names ``q_proj, k_proj, v_proj, out_proj``; open_clip and timm keep the first three in one matrix.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from timm.layers import Attention as TimmAttention
from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.errors import InputError

__all__ = [
    "BatchFirstAttention",
    "SplitAttention",
    "SplitProjection",
    "batch_first_attention",
    "batch_first_within",
    "split_attention",
]


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """A linear layer over existing tensors: no copy, no draw from a random generator."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    layer.weight = nn.Parameter(weight.detach())
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach())
    return layer


def _thirds(weight: Tensor, bias: Tensor | None) -> list[nn.Linear]:
    biases = [None] * 3 if bias is None else bias.chunk(3)
    return [_linear(w, b) for w, b in zip(weight.chunk(3), biases, strict=True)]


class SplitAttention(nn.Module):
    """Multi-head self-attention whose q, k and v are three linear layers.

    Numerically equal to the ``nn.MultiheadAttention`` that it is made from, whose tensors it keeps; computed
    by scaled dot-product attention.

    Parameters
    ----------
    fused : nn.MultiheadAttention
        With ``batch_first=True`` and one width for q, k and v.

    Raises
    ------
    InputError
        For a fused attention of another layout.
    """

    def __init__(self, fused: nn.MultiheadAttention):
        super().__init__()
        if not fused.batch_first or fused.in_proj_weight is None:
            raise InputError(
                "attention cannot be split",
                received=f"batch_first={fused.batch_first}, one width: {fused.in_proj_weight is not None}",
                allowed="batch_first=True and one width for q, k and v",
            )
        self.heads = fused.num_heads
        self.q_proj, self.k_proj, self.v_proj = _thirds(fused.in_proj_weight, fused.in_proj_bias)
        self.out_proj = _linear(fused.out_proj.weight, fused.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        need_weights: bool = False,
        attn_mask: Tensor | None = None,
    ) -> tuple[Tensor, None]:
        """Attend; tensors are (B, L, width). The signature is ``nn.MultiheadAttention``'s."""
        q, k, v = (
            projection(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for projection, x in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))
        )
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask)
        return self.out_proj(mixed.transpose(1, 2).flatten(-2)), None


class SplitProjection(nn.Module):
    """The q, k and v projections of a timm attention, as three layers with one output (..., 3 width)."""

    def __init__(self, fused: nn.Linear):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = _thirds(fused.weight, fused.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Rows (..., width) to (..., 3 width): q, k, v."""
        return torch.cat([self.q_proj(x), self.k_proj(x), self.v_proj(x)], dim=-1)


def split_attention(tower: nn.Module) -> int:
    """Replace every fused attention inside a tower, in place, keeping it frozen.

    Returns
    -------
    int
        Count of modules replaced; 0 for towers without attention, or split before.
    """
    count = 0
    for owner in list(tower.modules()):
        for name, child in list(owner.named_children()):
            if isinstance(child, nn.MultiheadAttention):
                _replace(owner, name, SplitAttention(child))
            elif isinstance(owner, TimmAttention) and name == "qkv" and isinstance(child, nn.Linear):
                _replace(owner, name, SplitProjection(child))
            else:
                continue
            count += 1
    return count


def _replace(owner: nn.Module, name: str, split: nn.Module) -> None:
    setattr(owner, name, split.requires_grad_(False).train(getattr(owner, name).training))


class BatchFirstAttention(nn.MultiheadAttention):
    """torch's fused self-attention, computed without turning the batch aside.

    torch moves positions to the front, which makes the frozen projections of a tower that runs under
    autocast, or that something is trained through, one small product a position. Parameters and their names
    stay what they were.
    """

    def forward(  # type: ignore[override]  # towers name what comes after value
        self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, **other
    ):
        """Attend where query, key and value are one tensor (B, L, width); else as torch does."""
        if (
            not (query is key is value)
            or other.get("key_padding_mask") is not None
            or other.get("need_weights")
        ):
            return super().forward(query, key, value, attn_mask=attn_mask, **other)
        q, k, v = (
            x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for x in F.linear(query, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        )
        if attn_mask is not None and attn_mask.is_floating_point():
            attn_mask = attn_mask.to(q.dtype)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask)
        return self.out_proj(mixed.transpose(1, 2).flatten(-2)), None


def batch_first_attention(tower: nn.Module) -> list[nn.Module]:
    """Let every fused attention of a tower compute as :class:`BatchFirstAttention`; returns those changed.

    Nothing else about the tower changes, so that others may go on using it, with other last digits.
    """
    fused: list[nn.Module] = [
        module
        for module in tower.modules()
        if type(module) is nn.MultiheadAttention and module.batch_first and module.in_proj_weight is not None
    ]
    for module in fused:
        module.__class__ = BatchFirstAttention
    return fused


@contextmanager
def batch_first_within(tower: nn.Module) -> Iterator[None]:
    """The same inside a block alone."""
    changed = batch_first_attention(tower)
    try:
        yield
    finally:
        for module in changed:
            module.__class__ = nn.MultiheadAttention

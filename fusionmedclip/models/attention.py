"""Attention with separate query, key and value projections, so that each can take its own LoRA."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["SplitAttention", "split_attention"]


class SplitAttention(nn.Module):
    """Multi-head self-attention whose q, k and v are three linear layers.

    Numerically equal to the ``nn.MultiheadAttention`` that it is made from (open_clip fuses the three in one
    matrix, Table A1 names ``q_proj, k_proj, v_proj, out_proj`` separately); computed by scaled dot-product
    attention.

    Parameters
    ----------
    fused : nn.MultiheadAttention
        With ``batch_first=True`` and one width for q, k and v.
    """

    def __init__(self, fused: nn.MultiheadAttention):
        super().__init__()
        width = fused.embed_dim
        self.heads = fused.num_heads
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, width) for _ in range(3))
        self.out_proj = nn.Linear(width, width)
        with torch.no_grad():
            for part, weight, bias in zip(
                (self.q_proj, self.k_proj, self.v_proj),
                fused.in_proj_weight.chunk(3),
                fused.in_proj_bias.chunk(3),
                strict=True,
            ):
                part.weight.copy_(weight)
                part.bias.copy_(bias)
            self.out_proj.weight.copy_(fused.out_proj.weight)
            self.out_proj.bias.copy_(fused.out_proj.bias)

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


def split_attention(tower: nn.Module) -> int:
    """Replace every fused attention inside a tower, in place, keeping it frozen.

    Returns
    -------
    int
        Count of modules replaced; 0 for towers that have none (timm).
    """
    owners = [
        (owner, name)
        for owner in tower.modules()
        for name, child in owner.named_children()
        if isinstance(child, nn.MultiheadAttention)
    ]
    for owner, name in owners:
        fused = getattr(owner, name)
        split = SplitAttention(fused).to(fused.in_proj_weight.device)
        setattr(owner, name, split.requires_grad_(False).train(fused.training))
    return len(owners)

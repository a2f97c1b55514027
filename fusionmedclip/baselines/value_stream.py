"""A second stream beside a vision transformer, to which attention of values to values adds (CLIP Surgery)."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.models.backbones.backbone import Backbone

__all__ = ["ValueStream", "has_value_stream", "value_attention", "value_stream"]


class ValueStream(NamedTuple):
    """What was heard of B images.

    Attributes
    ----------
    image : (B, D) tensor
        The tower's own output.
    class_token : (B, C) tensor
        After the last block, before the last norm.
    patches : (B, C, h, w) tensor
        Of the second stream, behind the last block.
    attended : list of (B, C, h, w) tensors
        The tower's own stream after the attention of the blocks asked for.
    """

    image: Tensor
    class_token: Tensor
    patches: Tensor
    attended: list[Tensor]


def has_value_stream(backbone: Backbone) -> bool:
    """Whether the tower is a vision transformer of open_clip whose attention is torch's own."""
    if not backbone.is_vit or getattr(backbone.visual, "attn_pool", None) is not None:
        return False
    blocks = backbone.visual.transformer.resblocks
    return all(isinstance(getattr(block, "attn", None), nn.MultiheadAttention) for block in blocks)


def value_attention(attention: nn.MultiheadAttention, tokens: Tensor) -> Tensor:
    """Self-attention of (B, L, C) tokens in which values stand for queries and keys as well: (B, L, C)."""
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    values = F.linear(tokens, weight.chunk(3)[2], None if bias is None else bias.chunk(3)[2])
    heads = values.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
    mixed = F.scaled_dot_product_attention(heads, heads, heads)
    return attention.out_proj(mixed.transpose(1, 2).flatten(-2))


def value_stream(
    backbone: Backbone, pixels: Tensor, count: int, *, attended: Sequence[int | str] = ()
) -> ValueStream:
    """Run the tower as it is and listen to its blocks.

    The second stream starts at the last ``count`` blocks. Each of these adds what its attention gives, of its
    own normed input, where values attend to values; nothing else changes the stream.

    Parameters
    ----------
    backbone : Backbone
        With :func:`has_value_stream`.
    pixels : (B, 3, H, W) tensor
    count : int
        As many blocks as there are, where there are fewer.
    attended : sequence of layers
    """
    visual: Any = backbone.visual
    blocks = list(visual.transformer.resblocks)
    wanted = [backbone.layer_index(layer) for layer in attended]
    heard: dict[int, Tensor] = {}
    stream: list[Tensor] = []
    final: list[Tensor] = []

    def start(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        stream.append(inputs[0])

    def attend(block: Any):
        def add(_module: nn.Module, _inputs: Any, normed: Tensor) -> None:
            stream[0] = stream[0] + value_attention(block.attn, normed)

        return add

    def keep(index: int):
        return lambda _module, inputs: heard.__setitem__(index, inputs[0])

    def end(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        final.append(output)

    with ExitStack() as hooks:
        last = blocks[max(0, len(blocks) - count) :]
        hooks.callback(last[0].register_forward_pre_hook(start).remove)
        for block in last:
            hooks.callback(block.ln_1.register_forward_hook(attend(block)).remove)
        for index in set(wanted):
            hooks.callback(blocks[index].ln_2.register_forward_pre_hook(keep(index)).remove)
        hooks.callback(blocks[-1].register_forward_hook(end).remove)
        image = visual(pixels)
    height, width = (s // p for s, p in zip(pixels.shape[-2:], visual.conv1.kernel_size, strict=True))
    grids = [_grid(tokens, height, width) for tokens in (stream[0], *(heard[i] for i in wanted))]
    image = image[0] if isinstance(image, tuple) else image
    return ValueStream(image, final[0][:, 0], grids[0], grids[1:])


def _grid(tokens: Tensor, height: int, width: int) -> Tensor:
    """(B, 1 + h w, C) tokens as (B, C, h, w), the class token dropped."""
    return tokens[:, 1:].transpose(1, 2).unflatten(2, (height, width))

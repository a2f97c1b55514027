"""What PromptAD sees of an image: class token, patches that attend by their values, patches of two depths."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.models.backbones.backbone import Backbone

__all__ = ["Views", "value_attention", "views"]


class Views(NamedTuple):
    """Unit vectors of B images.

    Attributes
    ----------
    image : (B, D) tensor
    patches : (B, D, h, w) tensor
        In the space of text.
    depths : list of (B, C_j, h_j, w_j) tensors
    """

    image: Tensor
    patches: Tensor
    depths: list[Tensor]


def views(backbone: Backbone, pixels: Tensor, layers: Sequence[int | str], value_blocks: int) -> Views:
    """Views of (B, 3, H, W) pixels.

    A vision transformer of open_clip runs as it is, and its blocks are listened to. Beside it a second stream
    starts at the last ``value_blocks``, to which each of these adds what its attention gives where values
    attend to values (Li et al., CVPR 2024, after CLIP Surgery). Other towers give their projected patches,
    and the outputs of the layers.
    """
    if _listens(backbone):
        found = _transformer_views(backbone, pixels, [backbone.layer_index(i) for i in layers], value_blocks)
    else:
        found = Views(
            backbone.clip_model.encode_image(pixels),
            backbone.patch_embeddings(pixels),
            backbone.feature_maps(pixels, layers),
        )
    image, patches, depths = found
    return Views(
        F.normalize(image, dim=1), F.normalize(patches, dim=1), [F.normalize(d, dim=1) for d in depths]
    )


def value_attention(attention: nn.MultiheadAttention, tokens: Tensor) -> Tensor:
    """Self-attention of (B, L, C) tokens in which values stand for queries and keys as well: (B, L, C)."""
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    values = F.linear(tokens, weight.chunk(3)[2], None if bias is None else bias.chunk(3)[2])
    heads = values.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
    mixed = F.scaled_dot_product_attention(heads, heads, heads)
    return attention.out_proj(mixed.transpose(1, 2).flatten(-2))


def _listens(backbone: Backbone) -> bool:
    if not backbone.is_vit or getattr(backbone.visual, "attn_pool", None) is not None:
        return False
    blocks = backbone.visual.transformer.resblocks
    return all(isinstance(getattr(block, "attn", None), nn.MultiheadAttention) for block in blocks)


def _transformer_views(backbone: Backbone, pixels: Tensor, wanted: Sequence[int], count: int) -> Views:
    visual: Any = backbone.visual
    blocks = list(visual.transformer.resblocks)
    attended: dict[int, Tensor] = {}
    stream: list[Tensor] = []

    def start(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        stream.append(inputs[0])

    def attend(block: Any):
        def add(_module: nn.Module, _inputs: Any, normed: Tensor) -> None:
            stream[0] = stream[0] + value_attention(block.attn, normed)

        return add

    def keep(index: int):
        return lambda _module, inputs: attended.__setitem__(index, inputs[0])

    with ExitStack() as hooks:
        last = blocks[max(0, len(blocks) - count) :]
        hooks.callback(last[0].register_forward_pre_hook(start).remove)
        for block in last:
            hooks.callback(block.ln_1.register_forward_hook(attend(block)).remove)
        for index in set(wanted):
            hooks.callback(blocks[index].ln_2.register_forward_pre_hook(keep(index)).remove)
        image = visual(pixels)
    height, width = (s // p for s, p in zip(pixels.shape[-2:], visual.conv1.kernel_size, strict=True))
    grids = [_grid(tokens, height, width) for tokens in (stream[0], *(attended[i] for i in wanted))]
    return Views(image[0] if isinstance(image, tuple) else image, backbone.projected(grids[0]), grids[1:])


def _grid(tokens: Tensor, height: int, width: int) -> Tensor:
    """(B, 1 + h w, C) tokens as (B, C, h, w), the class token dropped."""
    return tokens[:, 1:].transpose(1, 2).unflatten(2, (height, width))

"""The text tower, with learnable vectors in place of some token embeddings."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone, Network

__all__ = [
    "deciding_length",
    "encode_text",
    "mean_token_embeddings",
    "text_tower",
    "token_embeddings",
    "token_width",
]


def text_tower(backbone: Backbone) -> Network:
    """open_clip's own text transformer or its Hugging Face tower; an error where there is none."""
    if backbone.clip_model is None:
        raise InputError("this backbone has no text tower", hint="prompts need a CLIP backbone")
    return getattr(backbone.clip_model, "text", backbone.clip_model)


def _token_embedding(backbone: Backbone) -> nn.Embedding:
    tower = text_tower(backbone)
    if hasattr(tower, "token_embedding"):
        return tower.token_embedding
    return tower.transformer.get_input_embeddings()


def token_embeddings(backbone: Backbone) -> Tensor:
    """Embedding of every token of the vocabulary: (V, W)."""
    return _token_embedding(backbone).weight


def token_width(backbone: Backbone) -> int:
    """Width of the token embeddings, which is that of context vectors."""
    return int(_token_embedding(backbone).weight.shape[1])


def encode_text(
    backbone: Backbone,
    tokens: Tensor,
    *,
    context: Tensor | None = None,
    causal: bool = True,
    length: int | None = None,
) -> Tensor:
    """Text features, optionally with learnable vectors right after the start token.

    The tower itself runs unchanged, whether open_clip's own or a Hugging Face one: the vectors replace the
    outputs of its token embedding, so positions, masks and pooling stay what they were. Positions that no
    prompt's feature can depend on (padding behind a causal or a padding mask) are left out.

    Parameters
    ----------
    backbone : Backbone
    tokens : (P, L) int tensor
        With placeholders where the context goes.
    context : (P, M, W) tensor, optional
        Put at positions 1 to M.
    causal : bool
        False drops the causal mask, as MediCLIP's published code does.
    length : int, optional
        :func:`deciding_length` of these tokens, where it is known: on a GPU asking waits for all before.

    Returns
    -------
    (P, D) tensor
        Not normalised.
    """

    def put_context(_module, _inputs, output):
        if context is None:
            return output
        count = context.shape[1]
        return torch.cat([output[:, :1], context.to(output.dtype), output[:, 1 + count :]], dim=1)

    tower = text_tower(backbone)
    length = deciding_length(tower, tokens, causal=causal) if length is None else length
    changes = _changes(tower, length, tokens.shape[1], causal=causal)
    handle = _token_embedding(backbone).register_forward_hook(put_context)
    try:
        with _temporarily(tower, changes):
            return backbone.clip_model.encode_text(tokens[:, :length])
    finally:
        handle.remove()


def deciding_length(tower: Network, tokens: Tensor, *, causal: bool) -> int:
    """How many positions of (P, L) tokens decide every prompt's feature."""
    whole = tokens.shape[1]
    if not hasattr(tower, "token_embedding"):
        return _without_padding(tower, tokens)
    if getattr(tower, "attn_mask", None) is None or not causal:
        return whole
    pool = getattr(tower, "text_pool_type", getattr(tower, "pool_type", None))
    if pool != "argmax" or getattr(tower, "cls_emb", None) is not None:
        return whole
    return int(tokens.argmax(dim=1).max()) + 1


def _changes(tower: Network, length: int, whole: int, *, causal: bool) -> dict[str, Any]:
    """The tower's attributes that must change for so many positions of a whole prompt's."""
    mask = getattr(tower, "attn_mask", None)
    if not hasattr(tower, "token_embedding") or mask is None:
        return {}
    if not causal:
        return {"attn_mask": None}
    if length == whole:
        return {}
    positions = nn.Parameter(tower.positional_embedding[:length].detach(), requires_grad=False)
    return {"attn_mask": mask[:length, :length], "positional_embedding": positions}


def _without_padding(tower: Network, tokens: Tensor) -> int:
    padding = getattr(getattr(tower, "config", None), "pad_token_id", None)
    if padding is None:
        return tokens.shape[1]
    used = (tokens != padding).any(dim=0).nonzero()
    return int(used.max()) + 1


@contextmanager
def _temporarily(module: nn.Module, changes: dict[str, Any]) -> Iterator[None]:
    kept = {name: getattr(module, name) for name in changes}
    try:
        for name, value in changes.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in kept.items():
            setattr(module, name, value)


def mean_token_embeddings(backbone: Backbone, texts: list[str]) -> Tensor:
    """Mean embedding of each text's own tokens, start, end and padding left out: (T, W)."""
    tokens = backbone.tokenizer(texts)
    blank = backbone.tokenizer([""])[0]
    special = torch.unique(blank)
    embedded = _token_embedding(backbone)(tokens.to(backbone.mean.device))
    keep = ~torch.isin(tokens, special)
    means = [rows[mask].mean(dim=0) for rows, mask in zip(embedded, keep.to(embedded.device), strict=True)]
    return torch.stack(means)

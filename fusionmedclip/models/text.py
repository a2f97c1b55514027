"""The text tower, with learnable vectors in place of some token embeddings."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones import Backbone

__all__ = ["encode_text", "mean_token_embeddings", "token_width"]


def _text_tower(backbone: Backbone) -> nn.Module:
    if backbone.clip_model is None:
        raise InputError("this backbone has no text tower", hint="prompts need a CLIP backbone")
    return getattr(backbone.clip_model, "text", backbone.clip_model)


def _token_embedding(backbone: Backbone) -> nn.Module:
    tower = _text_tower(backbone)
    if hasattr(tower, "token_embedding"):
        return tower.token_embedding
    return tower.transformer.get_input_embeddings()


def token_width(backbone: Backbone) -> int:
    """Width of the token embeddings, which is that of context vectors."""
    return int(_token_embedding(backbone).weight.shape[1])


def encode_text(
    backbone: Backbone, tokens: Tensor, *, context: Tensor | None = None, causal: bool = True
) -> Tensor:
    """Text features, optionally with learnable vectors right after the start token.

    The tower itself runs unchanged, whether open_clip's own or a Hugging Face one: the vectors replace the
    outputs of its token embedding, so positions, masks and pooling stay what they were.

    Parameters
    ----------
    backbone : Backbone
    tokens : (P, L) int tensor
        With placeholders where the context goes.
    context : (P, M, W) tensor, optional
        Put at positions 1 to M.
    causal : bool
        False drops the causal mask, as MediCLIP's published code does.

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

    handle = _token_embedding(backbone).register_forward_hook(put_context)
    try:
        with _mask(backbone, causal):
            return backbone.clip_model.encode_text(tokens)
    finally:
        handle.remove()


@contextmanager
def _mask(backbone: Backbone, causal: bool) -> Iterator[None]:
    tower = _text_tower(backbone)
    if causal or getattr(tower, "attn_mask", None) is None:
        yield
        return
    kept, tower.attn_mask = tower.attn_mask, None
    try:
        yield
    finally:
        tower.attn_mask = kept


def mean_token_embeddings(backbone: Backbone, texts: list[str]) -> Tensor:
    """Mean embedding of each text's own tokens, start, end and padding left out: (T, W)."""
    tokens = backbone.tokenizer(texts)
    blank = backbone.tokenizer([""])[0]
    special = torch.unique(blank)
    embedded = _token_embedding(backbone)(tokens.to(backbone.mean.device))
    keep = ~torch.isin(tokens, special)
    means = [rows[mask].mean(dim=0) for rows, mask in zip(embedded, keep.to(embedded.device), strict=True)]
    return torch.stack(means)

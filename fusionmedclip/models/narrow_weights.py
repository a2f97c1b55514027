"""Frozen weights in half precision while products are: autocast would cast them anew in each forward pass."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from open_clip.transformer import Transformer
from torch import nn

__all__ = ["narrow_weights"]

_PRODUCTS = (nn.Linear, nn.Conv2d, nn.MultiheadAttention)
"""Layers whose weights autocast casts, on every device."""


@contextmanager
def narrow_weights(network: nn.Module, precision: str) -> Iterator[None]:
    """While open, what is frozen of a network's products is held as they use it; the same bits come of them.

    For a whole training, backward passes included; the weights themselves come back at the end.

    Parameters
    ----------
    network : nn.Module
    precision : str
        One of :data:`fusionmedclip.models.settings.PRECISIONS`; nothing but ``bfloat16`` changes anything.
    """
    wide = dict(_frozen(network)) if precision == "bfloat16" else {}
    try:
        for parameter in list(wide):
            wide[parameter] = parameter.data
            parameter.data = parameter.data.to(torch.bfloat16)
        yield
    finally:
        for parameter, data in wide.items():
            parameter.data = data


def _frozen(network: nn.Module) -> Iterator[tuple[nn.Parameter, torch.Tensor]]:
    # open_clip's transformer asks its first block in which precision all of it is.
    firsts = [m.resblocks[0].mlp.c_fc for m in network.modules() if isinstance(m, Transformer)]
    asked = {getattr(layer, "base_layer", layer) for layer in firsts}  # within what LoRA made of it
    for layer in network.modules():
        if isinstance(layer, _PRODUCTS) and layer not in asked:
            for parameter in layer.parameters(recurse=False):
                if not parameter.requires_grad and parameter.dtype == torch.float32:
                    yield parameter, parameter.data

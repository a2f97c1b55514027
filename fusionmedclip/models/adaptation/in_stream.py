"""Modules that stand in a tower's own stream: later layers see what they hand on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.settings import Layer

__all__ = ["in_stream"]

Refine = Callable[[int, Tensor], Tensor]


@contextmanager
def in_stream(backbone: Backbone, layers: Sequence[Layer], refine: Refine) -> Iterator[None]:
    """While open, the outputs of some layers are what ``refine(index, maps)`` makes of them.

    Parameters
    ----------
    backbone : Backbone
    layers : sequence of Layer
    refine : callable
        Position in ``layers`` and maps (B, C_j, H, W) to maps of the same shape, place by place. A
        transformer's tokens, the class token among them, come as (B, C, L, 1).
    """

    def behind(index: int):
        def hook(_module: nn.Module, _inputs: tuple, output: Tensor) -> Tensor:
            if output.ndim == 3:
                return refine(index, output.transpose(1, 2).unsqueeze(-1)).squeeze(-1).transpose(1, 2)
            return refine(index, output)

        return hook

    handles = [
        backbone.layer_module(layer).register_forward_hook(behind(index))
        for index, layer in enumerate(layers)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()

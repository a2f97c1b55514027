"""timm's towers at the side that is asked for, and weights under their publisher's names."""

import inspect
from collections.abc import Mapping
from typing import Any

import timm
import torch

__all__ = ["make_tower", "tower_state"]


def make_tower(name: str, size: int, *, pretrained: bool = False) -> torch.nn.Module:
    """A tower for square images of ``size`` pixels.

    Vision transformers of a fixed side are made for this one: DINOv2's own is 518 pixels.
    """
    config = timm.get_pretrained_cfg(name)
    fixed = config is not None and config.fixed_input_size and size != config.input_size[-1]
    sized: dict[str, Any] = {"img_size": size} if fixed else {}
    return timm.create_model(name, pretrained=pretrained, **sized)


def tower_state(state: Mapping[str, torch.Tensor], tower: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Weights under the names and in the shapes of the tower.

    timm's own conversion of the tower's family is asked where they differ: publishers' names (DINOv2's
    ``register_tokens``, DINOv3's ``storage_tokens``), and positions of another side, which are resampled.
    """
    own = tower.state_dict()
    if {n: v.shape for n, v in own.items()} == {n: v.shape for n, v in state.items()}:
        return dict(state)
    convert: Any = getattr(inspect.getmodule(type(tower)), "checkpoint_filter_fn", None)
    if convert is None:
        return dict(state)
    try:
        return dict(convert(dict(state), tower))
    except (KeyError, RuntimeError, TypeError, ValueError, AttributeError):
        return dict(state)  # other weights altogether: the comparison of names that follows says so

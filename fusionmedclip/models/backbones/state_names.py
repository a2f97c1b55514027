"""Names of tensors in checkpoints: what training programs wrap around them, taken off."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from fusionmedclip.errors import InputError

__all__ = ["named_tensors"]

_STATES = ("state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "clip")
"""Keys under which programs store the trained weights, the one meant first."""
_WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
"""Modules that torch.compile, FSDP and activation checkpointing put around others, wherever they stand."""
_OUTER = ("module", "model", "clip", "clip_model", "net", "network")
"""Modules that DDP, Lightning and training scripts put around all others."""
_COUNTERS = ("epoch", "step", "global_step", "iteration", "n_averaged", "best", "best_acc", "loss")
"""Numbers of a training program that may be stored as tensors."""
_LEVELS = 3


def named_tensors(stored: Any) -> dict[str, torch.Tensor]:
    """Tensors by the names that the model itself gives them.

    Parameters
    ----------
    stored : object
        What a file holds: a state dict, perhaps within mappings (``{"epoch": ..., "model": {...}}``), its
        names perhaps behind ``module.``, ``_orig_mod.`` and the like.

    Raises
    ------
    InputError
        If there are no tensors by name, it is not clear which mapping holds them, or two names become one.
    """
    state = _unwrapped(stored)
    plain: dict[str, torch.Tensor] = {}
    for name, tensor in _without_outer(state).items():
        short = ".".join(part for part in name.split(".") if part not in _WRAPPERS)
        if short in plain:
            raise InputError("two tensors of one name, once wrappers are taken off", received=short)
        plain[short] = tensor
    return plain


def _unwrapped(stored: Any) -> dict[str, torch.Tensor]:
    for _ in range(_LEVELS):
        own = _tensors(stored)
        inner = {name: value for name, value in _items(stored) if _holds_tensors(value)}
        known = [name for name in _STATES if name in inner]
        if known:
            stored = inner[known[0]]
        elif own:
            return own
        elif len(inner) == 1:
            stored = next(iter(inner.values()))
        elif inner:
            raise InputError(
                "several mappings of tensors, and none has a name that says it holds the model",
                received=sorted(inner),
                allowed=", ".join(_STATES),
            )
        else:
            break
    raise InputError(
        "no tensors by name",
        received=type(stored).__name__,
        allowed="a state dict, or a mapping with one under `state_dict` or `model`",
    )


def _items(stored: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(stored, Mapping):
        yield from ((name, value) for name, value in stored.items() if isinstance(name, str))


def _tensors(stored: Any) -> dict[str, torch.Tensor]:
    """Tensors of a mapping; a counter of the training program is none of the model's."""
    return {
        name: value
        for name, value in _items(stored)
        if torch.is_tensor(value) and not (name in _COUNTERS and value.numel() == 1)
    }


def _holds_tensors(value: Any) -> bool:
    return bool(_tensors(value)) or any(_tensors(inner) for _, inner in _items(value))


def _without_outer(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Take off first parts that all names share, as often as there are such."""
    while True:
        first = {name.partition(".")[0] for name in state}
        inner = {name.partition(".")[2] for name in state}
        if len(first) != 1 or not first <= {*_OUTER, *_WRAPPERS} or "" in inner:
            return state
        state = {name.partition(".")[2]: tensor for name, tensor in state.items()}

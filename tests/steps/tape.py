"""A stand-in for a CUDA graph on the CPU: operations run again, on the same memory, with the same numbers."""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from fusionmedclip.steps.captured import Recorded

__all__ = ["READ_BACK", "record"]

READ_BACK = {"_local_scalar_dense", "nonzero", "equal", "masked_select", "is_nonzero", "_unique2"}
"""What waits for the device: no graph holds it."""


class Tape(TorchDispatchMode):
    """Runs operations, notes them, and knows what all tensors held that were there before."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple, dict, Any]] = []
        self._before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}
        self._own: set[int] = set()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if operation.overloadpacket.__name__ in READ_BACK:
            raise RuntimeError(f"{operation} is not permitted when stream is capturing")
        for tensor in _tensors((args, kwargs)):
            if (place := _place(tensor)) not in self._own and place not in self._before:
                storage = tensor.untyped_storage()
                self._before[place] = storage, storage.clone()
        given = _as_now((args, kwargs or {}))
        made = operation(*args, **(kwargs or {}))
        self._own |= {_place(tensor) for tensor in _tensors(made)} - set(self._before)
        self.calls.append((operation, *given, _as_now(made)))
        return made

    def put_back(self) -> None:
        """As a recording takes no step."""
        for storage, kept in self._before.values():
            storage.copy_(kept)

    @torch.no_grad()
    def replay(self) -> None:
        for operation, args, kwargs, made in self.calls:
            anew = operation(*args, **kwargs)
            for old, new in zip(_tensors(made), _tensors(anew), strict=True):
                if _place(old) != _place(new):
                    old.copy_(new)


def record(step, *batch: Tensor) -> Recorded:
    """What `fusionmedclip.steps.captured` takes for a recorder."""
    kept, drawn = tuple(tensor.clone() for tensor in batch), torch.get_rng_state()
    with Tape() as tape:
        values = step(*kept)
    tape.put_back()
    torch.set_rng_state(drawn)
    return Recorded(kept, values, tape.replay)


def _as_now(tree: Any) -> Any:
    """The same memory, in a shape that no later ``unsqueeze_`` changes."""
    return tree_map_only(Tensor, torch.ops.aten.alias.default, tree)


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()

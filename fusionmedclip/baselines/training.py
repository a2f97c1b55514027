"""What the trained baselines share: keyed weights, and an order of batches that depends on the seed alone."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import numpy as np
import torch

from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.randomness import generator, key

__all__ = ["batches", "counted", "in_own_precision", "key_gpu", "keyed_torch", "trainable_copy"]

P = ParamSpec("P")
R = TypeVar("R")


class _Precise(Protocol):
    """A detector whose settings say in which precision it computes."""

    settings: Any

    @property
    def device(self) -> str: ...


D = TypeVar("D", bound=_Precise)


def in_own_precision(method: Callable[Concatenate[D, P], R]) -> Callable[Concatenate[D, P], R]:
    """A method of a detector, computed in the ``precision`` of its settings whoever calls it.

    Kernels are deterministic or not as they were: :func:`fusionmedclip.models.arithmetic.arithmetic`.
    """

    @wraps(method)
    def inner(self: D, /, *args: P.args, **kwargs: P.kwargs) -> R:
        device = torch.device(self.device).type
        with arithmetic(device, precision=self.settings.precision):
            return method(self, *args, **kwargs)

    return inner


@contextmanager
def keyed_torch(*purpose: int | str) -> Iterator[None]:
    """Draws of torch's global generators (initial weights, dropout) keyed by what they are for.

    The generators are put back afterwards, so nothing outside depends on what was drawn here.
    """
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if torch.cuda.is_initialized() else []):
        torch.manual_seed(key(*purpose) % 2**63)
        yield


def key_gpu(device: torch.device, *purpose: int | str) -> None:
    """Key what a GPU draws from here on, so that a step is a function of its number; the CPU's goes on."""
    if device.type == "cuda":
        torch.cuda.manual_seed(key(*purpose) % 2**63)


def batches(count: int, size: int, steps: int, *purpose: int | str) -> Iterator[np.ndarray]:
    """Indices of each step's images: epoch after epoch in a new order, the last batch of one maybe smaller.

    Parameters
    ----------
    count : int
        Of images.
    size : int
        Of a batch.
    steps : int
        Of batches to give, whatever part of an epoch that is.
    *purpose : int or str
        Keys the orders.

    Examples
    --------
    >>> [len(rows) for rows in batches(5, 2, 4, 0, "example")]
    [2, 2, 1, 2]
    """
    step = epoch = 0
    while step < steps:
        order = generator(*purpose, "order", epoch).permutation(count)
        for start in range(0, count, size):
            if step == steps:
                return
            yield order[start : start + size]
            step += 1
        epoch += 1


def counted(**modules: torch.nn.Module) -> dict[str, int]:
    """Parameters that an optimiser may change, by part."""
    return {
        name: sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
        for name, module in modules.items()
    }


def trainable_copy(backbone: Backbone) -> Backbone:
    """The image tower of a backbone, copied, with every parameter to be trained.

    The backbone itself stays frozen and may be shared.
    """
    visual = copy.deepcopy(backbone.visual).requires_grad_(True)
    copied = Backbone(visual, mean=backbone.mean.flatten().tolist(), std=backbone.std.flatten().tolist())
    return copied.to(backbone.mean.device)

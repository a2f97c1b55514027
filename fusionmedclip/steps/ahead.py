"""The next batch is drawn, and copied to a GPU, while this one computes."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

__all__ = ["Drawn", "ahead", "drawn_ahead"]

Item = TypeVar("Item")
Drawn = tuple[np.ndarray | Tensor, ...]


def ahead(calls: Iterable[Callable[[], Item]]) -> Iterator[Item]:
    """Results of calls in their order, each computed by a thread while the one before is used.

    Examples
    --------
    >>> list(ahead([lambda: 1, lambda: 2]))
    [1, 2]
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        waiting: Future[Item] | None = None
        for call in calls:
            following = thread.submit(call)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()


def drawn_ahead(calls: Iterable[Callable[[], Drawn]], device: torch.device) -> Iterator[tuple[Tensor, ...]]:
    """Batches as tensors on a device, each drawn on the CPU by a thread while the one before is used.

    A GPU copies them while the host goes on.
    """
    for batch in ahead(partial(_ready, call, device) for call in calls):
        yield tuple(tensor.to(device, non_blocking=True) for tensor in batch)


def _ready(call: Callable[[], Drawn], device: torch.device) -> list[Tensor]:
    tensors = [torch.as_tensor(array) for array in call()]
    return [tensor.pin_memory() for tensor in tensors] if device.type == "cuda" else tensors

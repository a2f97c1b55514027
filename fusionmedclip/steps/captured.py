"""A training step recorded once as a CUDA graph and replayed: the host launches one thing, not thousands.

Replayed kernels are those of the step itself, in its order, with torch's generator seeded before each replay.
Not yet run on a GPU.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Recorded", "Recording", "captured", "side_stream"]

Step = Callable[[Tensor, Tensor], dict[str, Tensor]]

WARM = 3
"""Steps that are taken before one is recorded: kernels are chosen and memory is found."""


class Recorded(NamedTuple):
    """A recorded step.

    Attributes
    ----------
    images, masks : tensor
        Where it reads its batch.
    values : dict of str to tensor
        Where it leaves its losses.
    replay : callable
    """

    images: Tensor
    masks: Tensor
    values: dict[str, Tensor]
    replay: Callable[[], None]


class Recording:
    """A step that is recorded for each shape of its batches; taken as it is where that fails, which is said.

    Parameters
    ----------
    step : callable
        Batch and masks to scalars; all else that it reads and changes stays where it is.
    record : callable
        Step, images and masks to :class:`Recorded`, without taking the step.
    """

    def __init__(self, step: Step, record: Callable[[Step, Tensor, Tensor], Recorded]):
        self._step, self._record, self._works = step, record, True
        self._taken: Counter[torch.Size] = Counter()
        self._recorded: dict[torch.Size, Recorded] = {}

    def __call__(self, images: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Take one step."""
        shape = images.shape
        self._taken[shape] += 1
        if self._works and shape not in self._recorded and self._taken[shape] > WARM:
            self._try_to_record(images, masks)
        recorded = self._recorded.get(shape)
        if recorded is None:
            return self._step(images, masks)
        recorded.images.copy_(images, non_blocking=True)
        recorded.masks.copy_(masks, non_blocking=True)
        recorded.replay()
        return {name: value.clone() for name, value in recorded.values.items()}

    def _try_to_record(self, images: Tensor, masks: Tensor) -> None:
        try:
            self._recorded[images.shape] = self._record(self._step, images, masks)
        except Exception as error:  # whatever a driver, a kernel or torch itself has against it
            self._works = False
            words = str(error).strip().split("\n")[0]
            print(f"steps are not recorded on this GPU, and are slower: {words}", file=sys.stderr)


def captured(step: Step, device: torch.device, *, wanted: bool) -> Step:
    """A step as its device takes it best: recorded on a GPU where that is wanted, else as it is."""
    return Recording(step, _record) if wanted and device.type == "cuda" else step


def _record(step: Step, images: Tensor, masks: Tensor) -> Recorded:
    kept, graph = (images.clone(), masks.clone()), torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
        values = step(*kept)
    return Recorded(*kept, values, graph.replay)


@contextmanager
def side_stream(device: torch.device) -> Iterator[None]:
    """On a GPU, a stream that may be recorded; the default one may not."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)

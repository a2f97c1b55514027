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

Step = Callable[..., dict[str, Tensor]]

WARM = 3
"""Steps that are taken before one is recorded: kernels are chosen and memory is found."""


class Recorded(NamedTuple):
    """A recorded step.

    Attributes
    ----------
    batch : tuple of tensors
        Where it reads its batch.
    values : dict of str to tensor
        Where it leaves its losses.
    replay : callable
    """

    batch: tuple[Tensor, ...]
    values: dict[str, Tensor]
    replay: Callable[[], None]


class Recording:
    """A step that is recorded for each shape of its batches; taken as it is where that fails, which is said.

    Parameters
    ----------
    step : callable
        Tensors of a batch to scalars; all else that it reads and changes are tensors that stay in place.
        A number that changes from step to step, such as a learning rate, is a tensor of the batch.
    record : callable
        Step and the tensors of a batch to :class:`Recorded`, without taking the step.
    """

    def __init__(self, step: Step, record: Callable[..., Recorded]):
        self._step, self._record, self._works = step, record, True
        self._taken: Counter[tuple[torch.Size, ...]] = Counter()
        self._recorded: dict[tuple[torch.Size, ...], Recorded] = {}

    def __call__(self, *batch: Tensor) -> dict[str, Tensor]:
        """Take one step."""
        shapes = tuple(tensor.shape for tensor in batch)
        self._taken[shapes] += 1
        if self._works and shapes not in self._recorded and self._taken[shapes] > WARM:
            self._try_to_record(shapes, batch)
        recorded = self._recorded.get(shapes)
        if recorded is None:
            return self._step(*batch)
        for kept, tensor in zip(recorded.batch, batch, strict=True):
            kept.copy_(tensor, non_blocking=True)
        recorded.replay()
        return {name: value.clone() for name, value in recorded.values.items()}

    def _try_to_record(self, shapes: tuple[torch.Size, ...], batch: tuple[Tensor, ...]) -> None:
        try:
            self._recorded[shapes] = self._record(self._step, *batch)
        except Exception as error:  # whatever a driver, a kernel or torch itself has against it
            self._works = False
            words = str(error).strip().split("\n")[0]
            print(f"steps are not recorded on this GPU, and are slower: {words}", file=sys.stderr)


def captured(step: Step, device: torch.device, *, wanted: bool = True) -> Step:
    """A step as its device takes it best: recorded on a GPU where that is wanted, else as it is."""
    return Recording(step, _record) if wanted and device.type == "cuda" else step


def _record(step: Step, *batch: Tensor) -> Recorded:
    kept, graph = tuple(tensor.clone() for tensor in batch), torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
        values = step(*kept)
    return Recorded(kept, values, graph.replay)


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

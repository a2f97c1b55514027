"""Long trainings that go on where their process ended, to the same final bytes."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import torch
from torch import Tensor

from fusionmedclip.models.checkpoints import Checkpoints
from fusionmedclip.models.detector import Progress
from fusionmedclip.steps.ahead import Drawn, drawn_ahead
from fusionmedclip.steps.readings import Readings

__all__ = ["Resuming"]

Item = TypeVar("Item")

EVERY = 600.0
"""Seconds between two checkpoints: what a job that is stopped at its time loses at most."""


class Resuming:
    """The steps of a training loop that was perhaps begun before.

    Parameters
    ----------
    parts : mapping of str to module, optimiser or schedule
        What has a ``state_dict``: all that a step changes, torch's generators apart, which are kept as well.
    checkpoints : Checkpoints, optional
        None trains in one go.
    progress : callable, optional
        Is told the steps of earlier processes again, so that a log is whole.
    device : str or torch.device
        Where the steps compute.
    """

    def __init__(
        self,
        parts: Mapping[str, Any],
        *,
        checkpoints: Checkpoints | None = None,
        progress: Progress | None,
        device: str | torch.device,
    ):
        self._parts, self._checkpoints, self._progress = parts, checkpoints, progress
        self._device = torch.device(device)
        self._readings = Readings(self._told, device=self._device.type)
        self._rows: list[dict[str, float]] = []
        self._saved = time.monotonic()

    def steps(
        self, items: Iterable[Item], draw: Callable[[int, Item], Drawn]
    ) -> Iterator[tuple[int, tuple[Tensor, ...]]]:
        """Number and batch of each step that is left, after what earlier ones have changed was put back.

        ``draw`` makes a batch of a step's number and item one step ahead, in a thread. So it must be a
        function of these alone: what torch's own generators drew there, a checkpoint would not know.
        """
        self._load()
        done = len(self._rows)
        left = (partial(draw, step, item) for step, item in islice(enumerate(items), done, None))
        yield from enumerate(drawn_ahead(left, self._device), done)
        self._readings.read()

    def done(self, step: int, values: Mapping[str, Tensor]) -> None:
        """After each step, with its scalars for the log."""
        self._readings.add({"step": step + 1}, values)
        if self._checkpoints is not None and time.monotonic() - self._saved >= EVERY:
            self._readings.read()
            self._save(self._checkpoints)
            self._saved = time.monotonic()

    def _told(self, row: dict[str, float]) -> None:
        if self._progress is not None:
            self._progress(row)
        if self._checkpoints is not None:
            self._rows.append(row)

    def _load(self) -> None:
        kept = None if self._checkpoints is None else self._checkpoints.load()
        if kept is None:
            return
        tensors, state = kept
        for name, part in self._parts.items():
            part.load_state_dict(_joined(state["parts"][name], tensors))
        torch.set_rng_state(tensors["rng"])
        if "rng_cuda" in tensors:
            torch.cuda.set_rng_state(tensors["rng_cuda"])
        self._rows = state["rows"]
        if self._progress is not None:
            for row in self._rows:
                self._progress(row)

    def _save(self, checkpoints: Checkpoints) -> None:
        tensors: dict[str, Tensor] = {"rng": torch.get_rng_state()}
        if torch.cuda.is_initialized():
            tensors["rng_cuda"] = torch.cuda.get_rng_state()
        parts = {name: _split(part.state_dict(), name, tensors) for name, part in self._parts.items()}
        checkpoints.save((0, len(self._rows)), tensors, {"parts": parts, "rows": self._rows})


def _split(state: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """A state as JSON can hold it, its tensors by name beside it; keys of mappings may be numbers."""
    if isinstance(state, Tensor):
        tensors[name] = state.detach().cpu().clone()
        return {"tensor": name}
    if isinstance(state, Mapping):
        return {"items": [[key, _split(value, f"{name}.{key}", tensors)] for key, value in state.items()]}
    if isinstance(state, list | tuple):
        return {"list": [_split(value, f"{name}.{place}", tensors) for place, value in enumerate(state)]}
    return {"value": state}


def _joined(state: dict[str, Any], tensors: Mapping[str, Tensor]) -> Any:
    """What :func:`_split` took apart."""
    ((kind, found),) = state.items()
    if kind == "tensor":
        return tensors[found]
    if kind == "items":
        return {key: _joined(value, tensors) for key, value in found}
    return [_joined(value, tensors) for value in found] if kind == "list" else found

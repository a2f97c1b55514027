"""Losses as numbers: at once on a CPU; on a GPU some steps late, so that the host need not wait for each."""

from collections.abc import Mapping

import torch
from torch import Tensor

from fusionmedclip.models.detector import Progress

__all__ = ["Readings"]

EVERY = {"cpu": 1, "cuda": 16}
"""Steps between two readings."""


class Readings:
    """Scalars of each step, told to a callable in order.

    Parameters
    ----------
    progress : callable or None
    device : str
        ``cpu`` or ``cuda``.
    """

    def __init__(self, progress: Progress | None, *, device: str):
        self._progress, self._every = progress, EVERY[device]
        self._kept: list[tuple[dict[str, int], dict[str, Tensor]]] = []

    def add(self, counts: dict[str, int], values: Mapping[str, Tensor]) -> None:
        """One step: its counts, and its scalars."""
        if self._progress is None:
            return
        self._kept.append((counts, {name: value.detach() for name, value in values.items()}))
        if len(self._kept) >= self._every:
            self.read()

    def read(self) -> None:
        """Read what is left."""
        kept, self._kept = self._kept, []
        if self._progress is None or not kept:
            return
        scalars = [value.reshape(()).double() for _, row in kept for value in row.values()]
        numbers = iter(torch.stack(scalars).tolist())
        for counts, values in kept:
            self._progress({**counts, **{name: next(numbers) for name in values}})

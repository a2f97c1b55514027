"""Losses as numbers: at once on a CPU; on a GPU some steps late, so that the host need not wait for each."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from fusionmedclip.errors import InputError
from fusionmedclip.models.detector import Progress

__all__ = ["Readings"]

EVERY = {"cpu": 1, "cuda": 16}
"""Steps between two readings."""


class Readings:
    """Scalars of each step, told to a callable in order.

    Parameters
    ----------
    progress : callable or None
        None hears nothing, and what is not finite is refused all the same.
    device : str
        ``cpu`` or ``cuda``.
    """

    def __init__(self, progress: Progress | None, *, device: str):
        self._progress, self._every = progress, EVERY[device]
        self._kept: list[tuple[dict[str, int], dict[str, Tensor]]] = []

    def add(self, counts: dict[str, int], values: Mapping[str, Tensor]) -> None:
        """One step: its counts, of which one is ``step``, and its scalars."""
        self._kept.append((counts, {name: value.detach() for name, value in values.items()}))
        if len(self._kept) >= self._every:
            self.read()

    def read(self) -> None:
        """Read what is left.

        Raises
        ------
        InputError
            If a scalar was not finite: what is trained by now is NaN, or will be.
        """
        kept, self._kept = self._kept, []
        if not kept:
            return
        scalars = [value.reshape(()) for _, row in kept for value in row.values()]
        numbers = iter(torch.stack(scalars).tolist())
        for counts, values in kept:
            row = {name: next(numbers) for name in values}
            for name, number in row.items():
                if not math.isfinite(number):
                    raise InputError(
                        f"{name} is no longer finite at step {counts['step']}",
                        received=number,
                        hint="lower the method's learning rates (ours: optimiser.learning_rates, or train "
                        "in precision: float32)",
                    )
            if self._progress is not None:
                self._progress({**counts, **row})

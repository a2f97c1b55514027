"""Weights and inputs that any program with numpy's frozen generator makes again.

The ``run_*.py`` beside this file give them to the official code, the tests to ours. Names are ours.
"""

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["filled", "images", "normal", "show", "uniform"]


def normal(seed: int, *shape: int) -> np.ndarray:
    """Standard normal float32 numbers."""
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def uniform(seed: int, *shape: int) -> np.ndarray:
    """Float64 numbers in [0, 1)."""
    return np.random.RandomState(seed).uniform(size=shape)


def images(seed: int, count: int, size: int) -> np.ndarray:
    """(count, size, size) float32 in [0, 1]: smooth blobs and some noise."""
    state = np.random.RandomState(seed)
    y, x = np.mgrid[:size, :size] / size
    drawn = []
    for _ in range(count):
        up, across, width = state.uniform(0.2, 0.8, 3)
        blob = np.exp(-((y - up) ** 2 + (x - across) ** 2) / (0.1 * width))
        drawn.append(np.clip(0.7 * blob + 0.3 * state.uniform(size=(size, size)), 0, 1))
    return np.stack(drawn).astype(np.float32)


@torch.no_grad()
def filled(module: nn.Module, seed: int, *, gain: float = 1.0) -> nn.Module:
    """Fill a module's floating-point state in the order of its sorted names.

    Matrices and kernels: N(0, gain / fan in). Running variances: 1 + |N(0, 0.2)|. Scales of norms:
    1 + N(0, 0.1). Other vectors: N(0, 0.1). Scalars stay.
    """
    state = np.random.RandomState(seed)
    for name, value in sorted(module.state_dict().items()):
        if value.is_floating_point() and value.ndim:
            value.copy_(torch.from_numpy(_values(name, tuple(value.shape), state, gain)))
    return module


def _values(name: str, shape: tuple[int, ...], state: np.random.RandomState, gain: float) -> np.ndarray:
    drawn = state.standard_normal(shape).astype(np.float32)
    if len(shape) > 1:
        return drawn * np.float32((gain / np.prod(shape[1:])) ** 0.5)
    if "running_var" in name:
        return 1 + np.abs(drawn) * np.float32(0.2)
    return drawn * np.float32(0.1) + np.float32(name.endswith("weight"))


def show(name: str, value: Tensor | np.ndarray | list[float]) -> None:
    """Print a literal for a test, with the digits that its type holds."""
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
    digits = 9 if array.dtype == np.float32 else 16
    text = np.array2string(
        array, separator=", ", max_line_width=105, formatter={"float": lambda number: f"{number:.{digits}g}"}
    )
    print(f"{name} = {text}")

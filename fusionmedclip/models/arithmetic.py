"""How exactly torch computes: the precision of products, and kernels that add in one order.

Both are flags of the whole process, and torch's defaults mean another thing on each device: on a GPU
convolutions run in TF32, and the backward pass of attention adds in any order.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.settings import PRECISIONS

__all__ = ["CUBLAS_VARIABLE", "CUBLAS_WORKSPACES", "arithmetic", "check_arithmetic"]

CUBLAS_VARIABLE = "CUBLAS_WORKSPACE_CONFIG"
CUBLAS_WORKSPACES = (":4096:8", ":16:8")
"""Workspaces with which cuBLAS adds in one order (its documentation, "Results Reproducibility")."""

_FILLS: Any = torch.utils.deterministic  # a module that puts an object in its own place
_AMPERE = (8, 0)
"""Compute capability from which a GPU has TF32."""


@contextmanager
def arithmetic(
    device: str, *, precision: str = "float32", deterministic: bool | None = None
) -> Iterator[dict[str, Any]]:
    """Compute in one precision, and where asked for by deterministic kernels, inside the block alone.

    Whatever flags torch had come back at its end. ``bfloat16`` also needs :meth:`Backbone.autocast` around
    the towers; what runs outside them is float32. New tensors are not filled with NaN first, as torch does
    where kernels are deterministic: that finds code which reads what it never wrote, and is up to 4,000
    operations a step (docs/model.md).

    Parameters
    ----------
    device : str
        ``cpu`` or ``cuda``.
    precision : str
        ``float32``: IEEE single precision in every product. ``tf32``: products of float32 numbers round
        their factors to 10 bits of mantissa, on a GPU that does so. ``bfloat16``: products of bfloat16
        numbers, added up in float32.
    deterministic : bool, optional
        True: an operation that has no deterministic kernel is an error. None leaves it as it is.

    Yields
    ------
    dict
        For a record: ``precision``, ``deterministic`` and torch's ``flags`` as they are inside the block.

    Raises
    ------
    InputError
        If the device or the environment cannot keep what is asked for.
    """
    check_arithmetic(device, precision=precision, deterministic=bool(deterministic))
    before = _flags()
    try:
        _set_flags(_wanted(precision))
        if deterministic is not None:
            torch.use_deterministic_algorithms(deterministic)
            torch.backends.cudnn.benchmark = False
            _FILLS.fill_uninitialized_memory = False
        yield {
            "precision": precision,
            "deterministic": torch.are_deterministic_algorithms_enabled(),
            "flags": _flags(),
        }
    finally:
        _set_flags(before)


def _operations() -> dict[str, Any]:
    backends: Any = torch.backends  # its modules put objects in their own place
    return {
        "cuda.matmul": backends.cuda.matmul,
        "cudnn.conv": backends.cudnn.conv,
        "cudnn.rnn": backends.cudnn.rnn,
        "mkldnn.matmul": backends.mkldnn.matmul,
        "mkldnn.conv": backends.mkldnn.conv,
        "mkldnn.rnn": backends.mkldnn.rnn,
    }


def _wanted(precision: str) -> dict[str, Any]:
    kinds = {name: "tf32" if precision == "tf32" and "mkl" not in name else "ieee" for name in _operations()}
    return {**kinds, "cuda.bfloat16_sums": False}


def _flags() -> dict[str, Any]:
    """Flags by name, of torch alone: what :func:`_set_flags` takes."""
    return {
        **{name: operation.fp32_precision for name, operation in _operations().items()},
        "cuda.bfloat16_sums": torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction,
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
        "fill": _FILLS.fill_uninitialized_memory,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
    }


def _set_flags(flags: dict[str, Any]) -> None:
    for name, operation in _operations().items():
        operation.fp32_precision = flags[name]
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = flags["cuda.bfloat16_sums"]
    if "deterministic" in flags:
        torch.backends.cudnn.benchmark = flags["cudnn.benchmark"]
        _FILLS.fill_uninitialized_memory = flags["fill"]
        torch.use_deterministic_algorithms(flags["deterministic"], warn_only=flags["warn_only"])


def check_arithmetic(device: str, *, precision: str, deterministic: bool = False) -> None:
    """Refuse what a device or the environment cannot keep; parameters and errors as :func:`arithmetic`."""
    if precision not in PRECISIONS:
        raise InputError("precision", received=precision, allowed=", ".join(PRECISIONS))
    if precision == "tf32":
        _check_tf32(device)
    mode = os.environ.get("ONEDNN_DEFAULT_FPMATH_MODE", "STRICT")
    if device == "cpu" and mode.upper() != "STRICT":
        raise InputError(
            f"precision: {precision} is not what oneDNN would compute",
            received=f"ONEDNN_DEFAULT_FPMATH_MODE={mode}",
            allowed="STRICT, or the variable unset",
        )
    if deterministic and device == "cuda" and os.environ.get(CUBLAS_VARIABLE) not in CUBLAS_WORKSPACES:
        raise InputError(
            "cuBLAS adds in one order only with a workspace that is set before Python starts",
            received=f"{CUBLAS_VARIABLE}={os.environ.get(CUBLAS_VARIABLE)}",
            allowed=", ".join(CUBLAS_WORKSPACES),
            hint=f"export {CUBLAS_VARIABLE}={CUBLAS_WORKSPACES[0]}; the workflow does it for its jobs",
        )


def _check_tf32(device: str) -> None:
    """A device without TF32 would compute something else in silence."""
    if device == "cpu":
        received = "device: cpu, which has no TF32"
    elif torch.cuda.get_device_capability() < _AMPERE:
        received = f"{torch.cuda.get_device_name()}, which has no TF32"
    elif os.environ.get("NVIDIA_TF32_OVERRIDE") == "0":
        received = "NVIDIA_TF32_OVERRIDE=0, which switches it off"
    else:
        return
    raise InputError(
        "precision: tf32 asks for a GPU that has it",
        received=received,
        allowed="a GPU of compute capability 8.0 or more",
        hint="precision: float32 is the same on every device; a model saved in tf32 needs --device cuda",
    )

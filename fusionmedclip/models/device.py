"""Where to compute."""

import os
import warnings

import torch

from fusionmedclip.errors import InputError, PassingError

__all__ = ["torch_device", "why_no_cuda"]


def torch_device(name: str, *, gpus: int | None = None) -> str:
    """``cpu`` or ``cuda``, never another one than was asked for.

    Parameters
    ----------
    name : str
        ``cpu``; ``cuda``; or ``auto``: what a scheduler gave, and without one a GPU where there is one, a
        warning saying why not.
    gpus : int, optional
        GPUs that a scheduler was asked for.

    Raises
    ------
    InputError
        If a GPU was asked for and torch finds none; a :class:`fusionmedclip.errors.PassingError` where a
        scheduler gave one, since another node may have its driver.
    """
    if name == "cpu" or (name == "auto" and gpus == 0):
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if name == "auto" and gpus is None:
        warnings.warn(f"device: auto computes on the CPU: {why_no_cuda()}", stacklevel=2)
        return "cpu"
    raise (PassingError if gpus else InputError)(
        f"a GPU was asked for, and torch finds none: {why_no_cuda()}",
        received=f"device: {name}" + (f", {gpus} GPU(s) of the scheduler" if gpus else ""),
        allowed="cpu, or a machine whose driver and torch agree",
        hint="device: cpu computes without a GPU; `nvidia-smi` says what the driver sees",
    )


def why_no_cuda() -> str:
    """What torch says of a missing GPU: its build, the driver, hidden devices."""
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    try:
        torch.cuda.init()
        reason = "no device"
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].split(". ")[0].rstrip(".")
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    seen = "" if hidden is None else f", CUDA_VISIBLE_DEVICES={hidden!r}"
    return f"{reason} (torch {torch.__version__}, built for CUDA {torch.version.cuda}{seen})"

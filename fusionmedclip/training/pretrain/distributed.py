"""Several processes, started by torchrun, that train as one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as dist

from fusionmedclip.errors import InputError
from fusionmedclip.models.device import torch_device

__all__ = ["World", "launched", "start_world"]

# The first process checks and reads all captions while the others wait.
_PATIENCE = timedelta(hours=2)


def launched() -> bool:
    """Whether this process was started by torchrun."""
    return "TORCHELASTIC_RUN_ID" in os.environ and "WORLD_SIZE" in os.environ


@dataclass(frozen=True)
class World:
    """Where this process stands among all.

    Attributes
    ----------
    rank, size : int
    device : torch.device
    """

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """This process's part of ``count`` things, which must divide evenly."""
        part = count // self.size
        return slice(self.rank * part, (self.rank + 1) * part)

    def wait(self) -> None:
        """Until every process has come this far."""
        if self.size > 1:
            dist.barrier()

    def gather(self, local: Tensor) -> Tensor:
        """Rows of all processes, in order of rank; the own rows keep their gradient.

        Every process then computes the whole loss, whose gradient by its own rows is complete. Gradients of
        the parameters have to be added up over the processes (not averaged).

        Parameters
        ----------
        local : (b, D) tensor
            The same shape in every process.

        Returns
        -------
        (B, D) tensor
        """
        if self.size == 1:
            return local
        parts = [torch.empty_like(local) for _ in range(self.size)]
        dist.all_gather(parts, local.detach().contiguous())
        parts[self.rank] = local
        return torch.cat(parts)

    def gather_shares(self, local: Tensor, count: int) -> Tensor:
        """Rows of all processes where process r holds rows r, r + size, ... of ``count``, put in order."""
        if self.size == 1:
            return local
        most = -(-count // self.size)
        padded = torch.zeros(most, *local.shape[1:], dtype=local.dtype, device=local.device)
        padded[: len(local)] = local
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(parts, padded)
        return torch.stack(parts, dim=1).flatten(0, 1)[:count]

    def agree(self, value: float) -> float:
        """The first process's value, for decisions that all must take alike."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=self.device)
        dist.broadcast(shared, 0)
        return float(shared)


@contextmanager
def start_world(processes: int, device: str = "auto") -> Iterator[World]:
    """Join the other processes (nccl with GPUs, gloo without), or stand alone.

    Raises
    ------
    InputError
        If the number of processes that run differs from ``processes``, or no GPU is found for ``cuda``.
    """
    size = int(os.environ["WORLD_SIZE"]) if launched() else 1
    if size != processes:
        raise InputError(
            "the number of processes that run is not the one asked for",
            received=size,
            allowed=str(processes),
            hint="torchrun --nproc-per-node N --nnodes M with N x M = `processes`",
        )
    gpu = torch_device(device) == "cuda"
    if not launched():
        yield World(0, 1, torch.device("cuda" if gpu else "cpu"))
        return
    own = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if gpu else torch.device("cpu")
    if gpu:
        torch.cuda.set_device(own)
    dist.init_process_group("nccl" if gpu else "gloo", timeout=_PATIENCE)
    try:
        yield World(dist.get_rank(), dist.get_world_size(), own)
    finally:
        dist.destroy_process_group()

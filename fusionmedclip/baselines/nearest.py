"""Nearest neighbours in a memory of vectors, blockwise, so that memory does not grow with either side."""

import torch
from torch import Tensor

__all__ = ["Nearest"]


class Nearest:
    """Exact nearest neighbours by Euclidean distance.

    Parameters
    ----------
    memory : (M, D) float tensor
        Not copied.
    memory_block, query_block : int
        Rows compared at a time: besides memory and queries, a search holds one block of
        ``memory_block x query_block`` distances (32 MiB at the defaults) or of the memory's squares.
    """

    def __init__(self, memory: Tensor, *, memory_block: int = 8192, query_block: int = 1024):
        self.memory = memory
        self.memory_block = memory_block
        self.query_block = query_block
        # Squares of a block at a time: those of the whole memory would be as large as the memory itself.
        self._norms = torch.cat([block.square().sum(dim=1) for block in memory.split(memory_block)])

    def squared_distances(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Squared distance to, and row of, each query's nearest memory vector.

        The neighbour is found by ``|q|^2 - 2qm + |m|^2``, which loses digits where the distance is small
        beside the norms; so the distance itself is computed anew from the difference.

        Parameters
        ----------
        queries : (Q, D) float tensor

        Returns
        -------
        (Q,) float tensor, (Q,) int64 tensor
        """
        rows = torch.cat([self._rows(block) for block in queries.split(self.query_block)])
        distances = torch.cat(
            [
                (block - self.memory[chosen]).square().sum(dim=1)
                for block, chosen in zip(
                    queries.split(self.query_block), rows.split(self.query_block), strict=True
                )
            ]
        )
        return distances, rows

    def _rows(self, queries: Tensor) -> Tensor:
        best = torch.full((len(queries),), torch.inf, device=queries.device)
        rows = torch.zeros(len(queries), dtype=torch.int64, device=queries.device)
        for start in range(0, len(self.memory), self.memory_block):
            stop = start + self.memory_block
            partial = torch.addmm(
                self._norms[start:stop].unsqueeze(0), queries, self.memory[start:stop].T, alpha=-2
            )
            values, found = partial.min(dim=1)
            del partial  # or two blocks would be held while the next is made
            closer = values < best
            best = torch.where(closer, values, best)
            rows = torch.where(closer, found + start, rows)
        return rows

"""A few vectors that cover many: greedy k-centre selection (Roth et al., CVPR 2022, algorithm 1)."""

import torch
from torch import Tensor

from fusionmedclip.randomness import torch_generator

__all__ = ["greedy_coreset"]


def greedy_coreset(
    vectors: Tensor, count: int, *, projection_dim: int = 128, starting_points: int = 10, seed: int = 0
) -> Tensor:
    """Rows of a greedy k-centre coreset, in the order chosen.

    The official approximate sampler: distances after a random projection; the first choice is the vector
    farthest, on average, from a few random ones; then always the one farthest from all chosen. One column
    of distances at a time, so memory is that of the projected vectors.

    Parameters
    ----------
    vectors : (M, D) tensor
    count : int
        Of rows to choose, at most M.

    Returns
    -------
    (count,) int64 tensor
    """
    generator = torch_generator(seed, "coreset")
    if projection_dim < vectors.shape[1]:
        weights = torch.randn(vectors.shape[1], projection_dim, generator=generator) / projection_dim**0.5
        vectors = vectors @ weights.to(vectors.device)
    starts = torch.randperm(len(vectors), generator=generator)[:starting_points].to(vectors.device)
    gap = torch.cdist(vectors, vectors[starts], compute_mode="donot_use_mm_for_euclid_dist").mean(dim=1)
    chosen = torch.empty(count, dtype=torch.int64, device=vectors.device)
    for i in range(count):
        chosen[i] = gap.argmax()
        gap = torch.minimum(gap, (vectors - vectors[chosen[i]]).norm(dim=1))
    return chosen

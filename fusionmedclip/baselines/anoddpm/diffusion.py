"""Steps of a denoising diffusion model, forward and back (Ho et al., NeurIPS 2020)."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

__all__ = ["Diffusion", "linear_variances"]


def linear_variances(timesteps: int) -> np.ndarray:
    """beta_t of the linear schedule, (T,) float64, the same overall noise whatever T."""
    return np.linspace(0.1 / timesteps, 20 / timesteps, timesteps)


class Diffusion:
    """Noise schedule, and the way back with all or some of its steps.

    Parameters
    ----------
    variances : (T,) float64 array
        beta_t.
    """

    def __init__(self, variances: np.ndarray):
        self.kept = np.cumprod(1 - variances)
        """Product of 1 - beta up to t: the share of the image's variance that is left."""
        self._table = torch.as_tensor(self.kept, dtype=torch.float32)

    def noised(self, images: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """q(x_t | x_0): (B, 1, S, S) images at steps (B,), counted from 0."""
        self._table = self._table.to(images.device)  # once: a copy in each step would make a GPU's host wait
        kept = self._table[t].view(-1, 1, 1, 1)
        return kept.sqrt() * images + (1 - kept).sqrt() * noise

    def back(
        self,
        predict: Callable[[Tensor, Tensor], Tensor],
        x: Tensor,
        *,
        start: int,
        steps: int | None,
        noise: Callable[[int], Tensor],
    ) -> Tensor:
        """From x at step ``start`` - 1 to x_0.

        Parameters
        ----------
        predict : callable
            (x_t, t) to the noise in x_t.
        x : (B, 1, S, S) tensor
        start : int
            Steps that x is into the noise.
        steps : int or None
            Steps to take; None for all.
        noise : callable
            Step to a (1, 1, S, S) field.
        """
        for t, kept, before, beta in self._schedule(start, steps):
            times = torch.full((len(x),), t, device=x.device, dtype=torch.int64)
            clean = ((x - (1 - kept) ** 0.5 * predict(x, times)) / kept**0.5).clamp(-1, 1)
            mean = (before**0.5 * beta * clean + (1 - beta) ** 0.5 * (1 - before) * x) / (1 - kept)
            # The official code fixes the variance at beta; nothing is added after the last step.
            x = mean if before == 1 else mean + beta**0.5 * noise(t)
        return x

    def _schedule(self, start: int, steps: int | None) -> Iterator[tuple[int, float, float, float]]:
        """t, what is kept at t, what at the step after it, and the variance between, on the way back."""
        count = start if steps is None else steps
        times = np.linspace(start - 1, 0, count).round().astype(int)
        kept = self.kept[times]
        before = np.append(kept[1:], 1.0)
        yield from zip(
            times.tolist(), kept.tolist(), before.tolist(), (1 - kept / before).tolist(), strict=True
        )

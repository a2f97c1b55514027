"""Mixup (Zhang et al., 2018) of images and of captions."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fusionmedclip.randomness import generator

__all__ = ["GROUP", "Mix", "draw_mix", "mix_images", "mix_targets", "mix_texts"]

GROUP = 4
"""Partners come from groups of this many neighbours in the shuffled batch, which never straddle processes."""


@dataclass(frozen=True)
class Mix:
    """How the B images of a batch are mixed.

    Attributes
    ----------
    weight : float
        Of the image itself, 0.5 to 1; its partner has the rest.
    partner : (B,) int64 array
        A permutation that turns each group round by one: no two images swap, except in a remainder of two.
    """

    weight: float
    partner: np.ndarray


def draw_mix(batch: int, alpha: float, *purpose: int | str) -> Mix | None:
    """Draw one weight for the batch from Beta(alpha, alpha), as the original does.

    The larger of lambda and 1 - lambda goes to the image itself: the two cases differ in name only, and so
    an image always has the caption that dominates its mixture. Partners are the next in their group of
    four, a random choice since the batch is shuffled. None where alpha is 0.
    """
    if alpha == 0:
        return None
    weight = float(generator(*purpose, "mixup").beta(alpha, alpha))
    starts = np.arange(batch) // GROUP * GROUP
    sizes = np.minimum(GROUP, batch - starts)
    return Mix(max(weight, 1 - weight), starts + (np.arange(batch) - starts + 1) % sizes)


def mix_images(images: Tensor, mix: Mix | None, rows: slice) -> Tensor:
    """Mix the images (b, ...) of one process, which are ``rows`` of the batch."""
    if mix is None:
        return images
    partner = torch.as_tensor(mix.partner[rows] - rows.start, device=images.device)
    return torch.lerp(images[partner], images, mix.weight)


def mix_texts(texts: Tensor, mix: Mix | None) -> Tensor:
    """Mix unit text embeddings (B, D) with the images' weights and normalise again.

    The text tower is frozen, so every caption has one embedding for good, and the mixture of two captions is
    the point between theirs: ``normalise(w t_i + (1 - w) t_partner(i))``.
    """
    if mix is None:
        return texts
    partner = torch.as_tensor(mix.partner, device=texts.device)
    return F.normalize(torch.lerp(texts[partner], texts, mix.weight), dim=-1)


def mix_targets(mix: Mix | None, batch: int) -> Tensor:
    """Targets (B, B) of image i and caption j where captions stay unmixed; rows and columns sum to 1."""
    targets = torch.eye(batch)
    return targets if mix is None else torch.lerp(targets[mix.partner], targets, mix.weight)

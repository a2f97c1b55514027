"""The symmetric contrastive loss (thesis Eq. 2) with smoothed labels and admissible negatives."""

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["contrastive_loss", "equal_captions"]


def equal_captions(captions: Tensor) -> Tensor:
    """Which pairs (i, j), i != j, share a caption.

    Parameters
    ----------
    captions : (B,) int64 tensor
        Number of each image's caption; in a mixture, of the one that dominates.

    Returns
    -------
    (B, B) bool tensor
    """
    same = captions.unsqueeze(0) == captions.unsqueeze(1)
    return same & ~torch.eye(len(captions), dtype=torch.bool, device=captions.device)


def contrastive_loss(
    images: Tensor,
    texts: Tensor,
    *,
    temperature: float,
    targets: Tensor | None = None,
    excluded: Tensor | None = None,
    smoothing: float = 0.0,
) -> Tensor:
    """Mean of the image-to-text and the text-to-image cross-entropy (Eq. 2).

    Parameters
    ----------
    images, texts : (B, D) tensors
        Unit embeddings; pair i is row i of both.
    temperature : float
        Tau.
    targets : (B, B) tensor, optional
        Share of caption j in image i, rows and columns summing to 1; the identity by default.
    excluded : (B, B) bool tensor, optional
        Symmetric; pairs left out of the softmax, neither positive nor negative.
    smoothing : float
        Share of each target spread evenly over what its softmax runs over (Szegedy et al., 2016).

    Returns
    -------
    () float32 tensor
    """
    logits = images.float() @ texts.float().T / temperature
    targets = torch.eye(len(logits), device=logits.device) if targets is None else targets.to(logits)
    if excluded is not None:
        excluded = excluded & (targets == 0) & (targets.T == 0)
    one_way = _cross_entropy(logits, targets, excluded, smoothing)
    return (one_way + _cross_entropy(logits.T, targets.T, excluded, smoothing)) / 2


def _cross_entropy(logits: Tensor, targets: Tensor, excluded: Tensor | None, smoothing: float) -> Tensor:
    if excluded is None:
        excluded = torch.zeros_like(logits, dtype=torch.bool)
    log_probability = F.log_softmax(logits.masked_fill(excluded, -torch.inf), dim=1)
    even = (~excluded).float() / (~excluded).sum(dim=1, keepdim=True)
    smoothed = (1 - smoothing) * targets + smoothing * even
    return -(smoothed * log_probability.masked_fill(excluded, 0)).sum(dim=1).mean()

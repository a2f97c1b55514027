"""Losses of AnomalyCLIP's map: focal loss of both states, Dice loss of each."""

import torch
from torch import Tensor

__all__ = ["dice_loss", "local_loss", "smoothed_focal_loss"]

GAMMA, SMOOTH = 2.0, 1e-5
"""Of the focal loss, as the published code has them."""


def local_loss(states: Tensor, masks: Tensor) -> Tensor:
    """Focal loss of both states, Dice loss of the abnormal state and of the normal one, added.

    Parameters
    ----------
    states : (B, 2, H, W) tensor
        Probability of normal and of abnormal.
    masks : (B, H, W) tensor
        1 on an anomaly, else 0.
    """
    normal, abnormal = states.unbind(dim=1)
    return smoothed_focal_loss(states, masks) + dice_loss(abnormal, masks) + dice_loss(normal, 1 - masks)


def smoothed_focal_loss(states: Tensor, masks: Tensor) -> Tensor:
    """Mean over pixels of ``-(1 - p)^2 log p``, p that of the true state, all but 1e-5 of it (a scalar)."""
    normal, abnormal = states.unbind(dim=1)
    share = masks.clamp(SMOOTH, 1 - SMOOTH)
    true = share * abnormal + (1 - share) * normal + SMOOTH
    return -((1 - true) ** GAMMA * true.log()).mean()


def dice_loss(states: Tensor, masks: Tensor) -> Tensor:
    """One minus the mean Dice coefficient of (B, H, W) images, 1 added above and below (a scalar)."""
    given, meant = states.flatten(1), masks.flatten(1)
    both, either = (given * meant).sum(dim=1), given.sum(dim=1) + meant.sum(dim=1)
    return 1 - torch.mean((2 * both + 1) / (either + 1))

"""Losses of Stages 2 and 3 (thesis Eq. 14-16), and the parent's pixel loss."""

import torch
from torch import Tensor

from fusionmedclip.errors import InputError
from fusionmedclip.training.fit_settings import LossSettings

__all__ = ["binary_dice_loss", "focal_loss", "pixel_focal_loss", "total_loss"]


def focal_loss(
    probability: Tensor, label: Tensor, *, gamma: float = 2.0, alpha: float | None = None
) -> Tensor:
    """Focal loss of image predictions (Eq. 15): mean of -alpha_t (1 - p_t)^gamma log p_t.

    Parameters
    ----------
    probability : (B,) tensor
        s_pred = max(S_a), in [0, 1].
    label : (B,) tensor
        y_img, 1 where the image holds an anomaly.
    gamma : float
    alpha : float or None
        alpha_t is alpha for an anomaly and 1 - alpha otherwise; None leaves it out.

    Returns
    -------
    scalar tensor
    """
    p_true = torch.where(label > 0, probability, 1 - probability)
    p_true = p_true.clamp(min=torch.finfo(probability.dtype).eps)
    loss = -((1 - p_true) ** gamma) * p_true.log()
    return _weighted(loss, label > 0, alpha).mean()


def _weighted(loss: Tensor, anomalous: Tensor, alpha: float | None) -> Tensor:
    """The focal loss times alpha_t (Lin et al. 2017, section 3.2)."""
    return loss if alpha is None else torch.where(anomalous, alpha * loss, (1 - alpha) * loss)


def pixel_focal_loss(
    maps: Tensor,
    masks: Tensor,
    *,
    gamma: float = 2.0,
    smoothing: float = 1e-5,
    alpha: float | None = None,
) -> Tensor:
    """Focal loss of every pixel's two-way softmax, with label smoothing, as MediCLIP trains.

    Parameters
    ----------
    maps : (B, H, W) tensor
        Anomaly probability; the normal probability is its complement.
    masks : (B, H, W) tensor
        Ground truth, 0 or 1.
    gamma, alpha
        See :func:`focal_loss`.
    """
    target = masks.to(maps.dtype).clamp(smoothing, 1 - smoothing)
    p_true = target * maps + (1 - target) * (1 - maps) + smoothing
    # The added smoothing can lift p_true above 1, where a broken power is not a number.
    loss = -((1 - p_true).clamp(min=0) ** gamma) * p_true.log()
    return _weighted(loss, masks > 0, alpha).mean()


def binary_dice_loss(maps: Tensor, masks: Tensor, *, smooth: float = 1.0) -> Tensor:
    """Binary Dice loss (Eq. 16), an image at a time, then the mean over the batch.

    Parameters
    ----------
    maps : (B, H, W) tensor
        Anomaly probability.
    masks : (B, H, W) tensor
        Ground truth, 0 or 1. An image without anomaly is allowed: ``smooth`` keeps its term finite.
    """
    p, y = maps.flatten(1), masks.flatten(1).to(maps.dtype)
    overlap = (p * y).sum(dim=1)
    return (1 - (2 * overlap + smooth) / (p.sum(dim=1) + y.sum(dim=1) + smooth)).mean()


def total_loss(
    scores: Tensor, maps: Tensor | None, masks: Tensor, settings: LossSettings
) -> tuple[Tensor, dict[str, Tensor]]:
    """Eq. 14: weighted sum of the image and the segmentation loss.

    Parameters
    ----------
    scores : (B,) tensor
        Image predictions.
    maps : (B, H, W) tensor or None
        None leaves the segmentation loss out (rows 3 and 4 of Table 8 have no map).
    masks : (B, H, W) tensor
        0 or 1; y_img of Eq. 15 is 1 where a mask has any pixel.

    Returns
    -------
    loss : scalar tensor
    parts : dict
        The unweighted parts, for the log: scalars that carry no gradient.
    """
    total, parts = scores.new_zeros(()), {}
    if settings.image == "focal_pixel":
        if maps is None:
            raise InputError("loss.image: focal_pixel needs a map", hint="use focal_max with head: gap")
        image = pixel_focal_loss(
            maps, masks, gamma=settings.gamma, smoothing=settings.pixel_smoothing, alpha=settings.alpha
        )
    elif settings.image == "focal_max":
        label = masks.flatten(1).any(dim=1)
        image = focal_loss(scores, label, gamma=settings.gamma, alpha=settings.alpha)
    else:
        image = scores.new_zeros(())
    total = total + settings.image_weight * image
    parts["image_loss"] = image.detach()
    if maps is not None:
        segmentation = binary_dice_loss(maps, masks, smooth=settings.dice_smooth)
        total = total + settings.segmentation_weight * segmentation
        parts["segmentation_loss"] = segmentation.detach()
    return total, parts

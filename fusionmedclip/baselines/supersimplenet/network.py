"""What SuperSimpleNet learns on frozen features: an adaptor, a head for the map, a head for the score."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["SuperSimpleHead", "training_loss"]


class SuperSimpleHead(nn.Module):
    """Adaptor and both heads.

    Parameters
    ----------
    dim : int
        Of the features.
    hidden, head : int
        Widths of the head of the map and of the head of the score.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, dim: int, hidden: int, head: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, dim, 1, 1))
        self.register_buffer("std", torch.ones(1, dim, 1, 1))
        self.adaptor = nn.Conv2d(dim, dim, 1)
        self.of_map = nn.Sequential(
            nn.Conv2d(dim, hidden, 1),
            nn.BatchNorm2d(hidden),
            nn.LeakyReLU(0.2),
            nn.Conv2d(hidden, 1, 1, bias=False),
        )
        self.of_score = nn.Sequential(
            nn.Conv2d(dim + 1, head, 5, padding="same"), nn.BatchNorm2d(head), nn.ReLU()
        )
        self.last = nn.Linear(2 * head + 2, 1)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.xavier_normal_(module.weight)

    def adapted(self, features: Tensor) -> Tensor:
        """(B, D, h, w) features, to which training adds noise."""
        return self.adaptor((features - self.mean) / self.std)

    def forward(self, adapted: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, 1, h, w) and score (B,), higher where more anomalous; the score teaches the map nothing."""
        found = self.of_map(adapted)
        shown = found.detach()
        deep = self.of_score(torch.cat([adapted, shown], dim=1))
        pooled = [
            deep.amax(dim=(2, 3)),
            deep.mean(dim=(2, 3)),
            shown.amax(dim=(2, 3)),
            shown.mean(dim=(2, 3)),
        ]
        return found, self.last(torch.cat(pooled, dim=1)).squeeze(1)


def training_loss(found: Tensor, score: Tensor, masks: Tensor, *, margin: float) -> Tensor:
    """Truncated loss of the map, and focal losses of map and score (Rolih et al., 2024).

    Parameters
    ----------
    found, masks : (B, 1, h, w) tensor
        Map before the sigmoid, and where noise was added.
    score : (B,) tensor
        Before the sigmoid.
    margin : float
    """
    normal, anomalous = found[masks == 0], found[masks > 0]
    truncated = sum((margin + side).clamp(min=0).mean() for side in (normal, -anomalous) if len(side))
    labels = masks.flatten(1).amax(dim=1)
    return truncated + _focal(found, masks) + _focal(score, labels)


def _focal(logits: Tensor, targets: Tensor) -> Tensor:
    """Focal loss with exponent 4 and no weight of classes."""
    probability = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy(probability, targets, reduction="none")
    right = probability * targets + (1 - probability) * (1 - targets)
    return (entropy * (1 - right) ** 4).mean()

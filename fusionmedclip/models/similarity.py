"""From unit vectors and text embeddings to an anomaly map (thesis Eq. 6-7)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.errors import InputError
from fusionmedclip.models.settings import AGGREGATIONS, TemperatureSettings

__all__ = ["Temperature", "aggregate"]


class Temperature(nn.Module):
    """tau, kept as its logarithm; a parameter where it is learnt, a buffer where it is fixed.

    A learnt tau is brought back into its range after every step (:meth:`clamp`): a clamp in the forward pass
    has no gradient outside, and tau would never leave the bound again.
    """

    def __init__(self, settings: TemperatureSettings):
        super().__init__()
        self.settings = settings
        start = torch.tensor(math.log(settings.value))
        if settings.learnable:
            self.log_tau = nn.Parameter(start)
        else:
            self.register_buffer("log_tau", start, persistent=False)

    def forward(self) -> Tensor:
        """The current tau, a scalar tensor."""
        return self.log_tau.exp()

    @torch.no_grad()
    def clamp(self) -> None:
        """Bring the parameter back into its range."""
        self.log_tau.clamp_(math.log(self.settings.minimum), math.log(self.settings.maximum))


def aggregate(
    features: Sequence[Tensor],
    text: Tensor,
    *,
    tau: Tensor,
    size: tuple[int, int],
    aggregation: str = "softmax_first",
    align_corners: bool = True,
) -> Tensor:
    """Anomaly probability map from several layers.

    Parameters
    ----------
    features : sequence of (B, D, H_j, W_j) tensors
        Unit vectors.
    text : (2, D) tensor
        Unit text embeddings, normal then anomaly.
    tau : scalar tensor
    size : (int, int)
        Height and width of the map.
    aggregation : str
        One of :data:`fusionmedclip.models.settings.AGGREGATIONS`.
    align_corners : bool
        Of the bilinear upsampling; the thesis does not say, its parent aligns.

    Returns
    -------
    (B, H, W) tensor
        S_a, in [0, 1].
    """
    cosines = [torch.einsum("bdhw,cd->bchw", f, text) for f in features]

    def upsample(x: Tensor) -> Tensor:
        return F.interpolate(x, size=size, mode="bilinear", align_corners=align_corners)

    if aggregation == "softmax_first":
        layers = [upsample((c / tau).softmax(dim=1)[:, 1:]) for c in cosines]
        return torch.stack(layers).mean(dim=0).squeeze(1)
    if aggregation == "cosine_first":
        if len({c.shape for c in cosines}) > 1:
            finest = max((c.shape[-2:] for c in cosines), key=math.prod)
            cosines = [
                F.interpolate(c, size=finest, mode="bilinear", align_corners=align_corners) for c in cosines
            ]
        return upsample(torch.stack(cosines).mean(dim=0)).softmax(dim=1)[:, 1]
    raise InputError("aggregation", received=aggregation, allowed=", ".join(AGGREGATIONS))

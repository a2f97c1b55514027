"""Settings of the nearest neighbour on a backbone's own patch features."""

from dataclasses import dataclass
from typing import ClassVar

from fusionmedclip.baselines.ranges import at_least, fraction, layer_list, positive

__all__ = ["PatchNNSettings"]


@dataclass(frozen=True, kw_only=True)
class PatchNNSettings:
    """AnomalyDINO's recipe (Damm et al., WACV 2025) on any backbone.

    Attributes
    ----------
    layers : tuple of int or str
        Whose features are compared, each made a unit vector, then concatenated. AnomalyDINO takes the last
        layer; 24 is ViT-L/14's.
    rotations : int
        Each support image is also seen turned by multiples of 360 / rotations degrees; 1 for none.
    tail : float
        The image score is the mean over this share of the patches, those farthest from their neighbours.
    sigma : float
        Gaussian smoothing of the map, pixels.
    batch_size : int
        Images whose backbone features are computed together.
    """

    frozen_features: ClassVar[bool] = True

    layers: tuple[int | str, ...] = (24,)
    rotations: int = 8
    tail: float = 0.01
    sigma: float = 4.0
    batch_size: int = 8

    def __post_init__(self):
        layer_list(self.layers)
        positive(rotations=self.rotations, batch_size=self.batch_size)
        fraction(tail=self.tail)
        at_least(0, sigma=self.sigma)

"""Settings of the nearest neighbour on a backbone's own patch features."""

from dataclasses import dataclass
from typing import ClassVar

from fusionmedclip.baselines.ranges import blur, fraction, layer_list, one_of, positive

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
    final_norm : bool
        Whether features go through the tower's last norm first, as DINOv2's published interface gives them.
    masking : str
        Which images lose the patches of their background: ``none``, ``queries`` (AnomalyDINO's) or ``all``,
        the support set too. Patches that are left out lie at no distance, and count in the image score.
    mask_threshold : float
        A patch is foreground where the image's first principal component is above it; 10 fits DINOv2's
        features after the last norm, and no others in general.
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
    final_norm: bool = False
    masking: str = "none"
    mask_threshold: float = 10.0
    tail: float = 0.01
    sigma: float = 4.0
    batch_size: int = 8

    def __post_init__(self):
        layer_list(self.layers)
        one_of(("none", "queries", "all"), masking=self.masking)
        positive(rotations=self.rotations, batch_size=self.batch_size)
        fraction(tail=self.tail)
        blur(sigma=self.sigma)

    @property
    def inert(self) -> tuple[str, ...]:
        """Without a mask there is nothing to be above."""
        return ("mask_threshold",) if self.masking == "none" else ()

"""Settings of PatchCore."""

from dataclasses import dataclass
from typing import ClassVar

from fusionmedclip.baselines.ranges import at_least, blur, fraction, layer_list, odd, one_of, positive

__all__ = ["PatchCoreSettings"]


@dataclass(frozen=True, kw_only=True)
class PatchCoreSettings:
    """Official defaults of PatchCore (Roth et al., CVPR 2022), its sampling aside.

    Attributes
    ----------
    layers : tuple of int or str
        Backbone layers; the first gives the grid of patches.
    embedding : str
        ``adaptive``, the official pooling of channels and neighbourhood together to a fixed size, or
        ``average``: each channel's mean over the neighbourhood, layers concatenated (as anomalib), which
        suits backbones of few channels.
    patch_size : int
        Side of the neighbourhood pooled around a position, odd.
    pretrain_dim, target_dim : int
        Size of a layer's vector, and of the vector over all layers; of ``adaptive`` alone.
    coreset_fraction : float
        Share of the patches that the greedy coreset keeps (official 0.1; some of its runs 0.01).
    coreset_above : int
        The coreset is drawn only from more patches than this; fewer are all kept. 25,088 is k = 32 at
        28 x 28 positions, so no few-shot run loses a patch. 0 is the official behaviour.
    projection_dim, starting_points : int
        Of the approximate greedy coreset.
    squared : bool
        Squared Euclidean distances, as the official index returns; anomalib takes the root.
    sigma : float
        Gaussian smoothing of the map, pixels; 0 for none.
    batch_size : int
        Images whose backbone features are computed together.
    """

    frozen_features: ClassVar[bool] = True

    layers: tuple[int | str, ...] = ("layer2", "layer3")
    embedding: str = "adaptive"
    patch_size: int = 3
    pretrain_dim: int = 1024
    target_dim: int = 1024
    coreset_fraction: float = 0.1
    coreset_above: int = 25_088
    projection_dim: int = 128
    starting_points: int = 10
    squared: bool = True
    sigma: float = 4.0
    batch_size: int = 8

    @property
    def inert(self) -> tuple[str, ...]:
        """What computes nothing; see :func:`fusionmedclip.settings.effective`."""
        return () if self.embedding == "adaptive" else ("pretrain_dim", "target_dim")

    def __post_init__(self):
        layer_list(self.layers)
        one_of(("adaptive", "average"), embedding=self.embedding)
        odd(patch_size=self.patch_size)
        positive(
            pretrain_dim=self.pretrain_dim,
            target_dim=self.target_dim,
            projection_dim=self.projection_dim,
            starting_points=self.starting_points,
            batch_size=self.batch_size,
        )
        fraction(coreset_fraction=self.coreset_fraction)
        at_least(0, coreset_above=self.coreset_above)
        blur(sigma=self.sigma)

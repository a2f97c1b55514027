"""Settings of SimpleNet."""

from dataclasses import dataclass
from typing import ClassVar

from fusionmedclip.baselines.ranges import at_least, blur, layer_list, makes_anomalies, odd, one_of, positive
from fusionmedclip.synthesis.settings import SynthesisSettings

__all__ = ["SimpleNetSettings"]


@dataclass(frozen=True, kw_only=True)
class SimpleNetSettings:
    """Official defaults of SimpleNet (Liu et al., CVPR 2023), its budget stated in steps.

    Attributes
    ----------
    layers, embedding, patch_size, pretrain_dim, target_dim
        Of the patch features; see :class:`~fusionmedclip.baselines.patchcore.settings.PatchCoreSettings`.
    projection : bool
        One linear layer before the discriminator.
    hidden : int
        Width of the discriminator.
    noise_std : float
        Of the Gaussian noise that turns projected features into anomalous ones.
    synthesis : SynthesisSettings or None
        Anomalous features are those of the thesis's anomalies, at the patches that they cover (section 4.3;
        not official), in place of noise.
    margin : float
        Of the truncated hinge loss, on both sides.
    steps : int
        Optimisation steps. Official: 160 epochs, which over a class of MVTec AD (242 images on average)
        are 4,840 steps of 8 images; 160 epochs of 4 images would be 160.
    train_batch : int
        Images a step; fewer where the support set is smaller.
    train_patches : int or None
        Patches a step, drawn from those images' without replacement; None takes all (official).
    standardise : bool
        Centre and scale each feature by the support set's mean and standard deviation first (not official):
        the noise is then relative to a feature's spread, whatever the backbone's scale.
    projection_rate, discriminator_rate : float
        Learning rates of AdamW (projection) and Adam (discriminator).
    weight_decay : float
        Of the discriminator's Adam.
    sigma : float
        Gaussian smoothing of the map, pixels.
    batch_size : int
        Images whose backbone features are computed together.
    """

    frozen_features: ClassVar[bool] = True

    layers: tuple[int | str, ...] = ("layer2", "layer3")
    embedding: str = "adaptive"
    patch_size: int = 3
    pretrain_dim: int = 1536
    target_dim: int = 1536
    projection: bool = True
    hidden: int = 1024
    noise_std: float = 0.015
    synthesis: SynthesisSettings | None = None
    margin: float = 0.5
    steps: int = 4840
    train_batch: int = 8
    train_patches: int | None = None
    standardise: bool = False
    projection_rate: float = 1e-4
    discriminator_rate: float = 2e-4
    weight_decay: float = 1e-5
    sigma: float = 4.0
    batch_size: int = 8

    @property
    def inert(self) -> tuple[str, ...]:
        """What computes nothing; see :func:`fusionmedclip.settings.effective`."""
        found = [] if self.embedding == "adaptive" else ["pretrain_dim", "target_dim"]
        found += [] if self.projection else ["projection_rate"]
        return (*found, *(() if self.synthesis is None else ("noise_std",)))

    def __post_init__(self):
        makes_anomalies(self.synthesis)
        layer_list(self.layers)
        one_of(("adaptive", "average"), embedding=self.embedding)
        odd(patch_size=self.patch_size)
        positive(
            pretrain_dim=self.pretrain_dim,
            target_dim=self.target_dim,
            hidden=self.hidden,
            noise_std=self.noise_std,
            margin=self.margin,
            train_batch=self.train_batch,
            projection_rate=self.projection_rate,
            discriminator_rate=self.discriminator_rate,
            batch_size=self.batch_size,
        )
        if self.train_patches is not None:
            at_least(2, train_patches=self.train_patches)  # batch normalisation needs two
        at_least(0, steps=self.steps, weight_decay=self.weight_decay)
        blur(sigma=self.sigma)

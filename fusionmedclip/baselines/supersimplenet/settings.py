"""Settings of SuperSimpleNet."""

from dataclasses import dataclass
from typing import ClassVar

from fusionmedclip.baselines.ranges import at_least, blur, fraction, layer_list, odd, positive
from fusionmedclip.errors import InputError

__all__ = ["SuperSimpleNetSettings"]


@dataclass(frozen=True, kw_only=True)
class SuperSimpleNetSettings:
    """Unsupervised SuperSimpleNet (Rolih et al., ICPR 2024); defaults of its published code on MVTec AD.

    Attributes
    ----------
    layers : tuple of int or str
        Whose features are brought to twice the first one's grid and averaged over neighbours.
    patch_size : int
        Side of that neighbourhood, odd.
    hidden, head : int
        Widths of the head of the map and of the head of the score.
    noise_std : float
        Of the Gaussian noise that turns adapted features into anomalous ones.
    noise_threshold : float
        Noise goes where Perlin noise is above it, and nowhere in half of the images.
    margin : float
        Of the truncated loss of the map, on both sides.
    steps : int
        Optimisation steps. Official: 300 epochs, which over a class of MVTec AD (242 images on average, eight
        batches) are 2,400.
    train_batch : int
        Images a step, each seen twice; fewer where the support set is smaller.
    standardise : bool
        Centre and scale each feature by the support set's mean and standard deviation first (not official).
    adaptor_rate, head_rate : float
        Learning rates of AdamW.
    weight_decay : float
        Of the two heads; the adaptor has AdamW's own, 0.01.
    decay : float
        Both rates are multiplied by it after 0.8 and after 0.9 of the steps.
    sigma : float
        Gaussian smoothing of the map, pixels.
    batch_size : int
        Images whose backbone features are computed together.
    """

    frozen_features: ClassVar[bool] = True

    layers: tuple[int | str, ...] = ("layer2", "layer3")
    patch_size: int = 3
    hidden: int = 1024
    head: int = 128
    noise_std: float = 0.015
    noise_threshold: float = 0.2
    margin: float = 0.5
    steps: int = 2400
    train_batch: int = 32
    standardise: bool = False
    adaptor_rate: float = 1e-4
    head_rate: float = 2e-4
    weight_decay: float = 1e-5
    decay: float = 0.4
    sigma: float = 4.0
    batch_size: int = 8

    def __post_init__(self):
        layer_list(self.layers)
        odd(patch_size=self.patch_size)
        positive(
            hidden=self.hidden,
            head=self.head,
            noise_std=self.noise_std,
            margin=self.margin,
            train_batch=self.train_batch,
            adaptor_rate=self.adaptor_rate,
            head_rate=self.head_rate,
            batch_size=self.batch_size,
        )
        fraction(decay=self.decay)
        if not -1 <= self.noise_threshold < 1:  # of Perlin noise, which lies between
            received = self.noise_threshold
            raise InputError("setting `noise_threshold`", received=received, allowed="-1 or more, below 1")
        at_least(0, steps=self.steps, weight_decay=self.weight_decay)
        blur(sigma=self.sigma)

"""Settings of what a fit minimises, and how (thesis Table A1), without torch."""

from dataclasses import dataclass, field

from fusionmedclip.errors import InputError

__all__ = ["LearningRates", "LossSettings", "OptimiserSettings"]

SCHEDULES = ("constant", "cosine")
IMAGE_LOSSES = ("focal_max", "focal_pixel", "none")


@dataclass(frozen=True, kw_only=True)
class LossSettings:
    """The composite loss.

    Attributes
    ----------
    image : str
        ``focal_max``: focal loss of the map's maximum (Eq. 15); ``focal_pixel``: focal loss of every pixel,
        as MediCLIP trains; ``none``.
    gamma : float
        Focusing parameter of the focal loss (Lin et al. 2017).
    alpha : float or None
        Its weight of the anomalous, against 1 - alpha of the normal (0.25 there); None weighs both alike, as
        Eq. 15 and the parent do.
    image_weight, segmentation_weight : float
        w_img and w_seg of Eq. 14 (Table A1: 1.0 / 1.0).
    dice_smooth : float
        Added to numerator and denominator of the Dice coefficient.
    pixel_smoothing : float
        Label smoothing of ``focal_pixel``.
    """

    image: str = "focal_max"
    gamma: float = 2.0
    alpha: float | None = None
    image_weight: float = 1.0
    segmentation_weight: float = 1.0
    dice_smooth: float = 1.0
    pixel_smoothing: float = 1e-5

    def __post_init__(self):
        if self.image not in IMAGE_LOSSES:
            raise InputError("loss.image", received=self.image, allowed=", ".join(IMAGE_LOSSES))
        for name in ("gamma", "image_weight", "segmentation_weight", "dice_smooth"):
            if getattr(self, name) < 0:
                raise InputError(f"loss.{name}", received=getattr(self, name), allowed="0 or more")
        if self.alpha is not None and not 0 < self.alpha < 1:
            raise InputError(
                "loss.alpha", received=self.alpha, allowed="nothing, or a number between 0 and 1"
            )
        if not 0 <= self.pixel_smoothing < 0.5:
            raise InputError(
                "loss.pixel_smoothing", received=self.pixel_smoothing, allowed="0 up to, not including, 0.5"
            )


@dataclass(frozen=True, kw_only=True)
class LearningRates:
    """Constant learning rate of each component; the thesis states no schedule for Stages 2 and 3.

    Attributes
    ----------
    prompt, alignment, lora, block_adapter : float
        Table A1.
    temperature : float
        Of a learnable tau; not stated, taken as the prompt's.
    """

    prompt: float = 1e-3
    alignment: float = 1e-3
    lora: float = 3e-5
    block_adapter: float = 5e-5
    temperature: float = 1e-3

    def __post_init__(self):
        for name, rate in vars(self).items():
            if rate < 0:
                raise InputError(f"optimiser.learning_rates.{name}", received=rate, allowed="0 or more")


@dataclass(frozen=True, kw_only=True)
class OptimiserSettings:
    """Table A1.

    Attributes
    ----------
    name : str
        ``adamw``, or ``adam`` (MediCLIP).
    epochs : int
        Passes over the support set, one synthetic draw an image; 0 trains nothing.
    stage2_epochs : int
        How many of them come before LoRA and block adapters join with a fresh optimiser (Stage 2, then 3);
        0 trains everything from the start, end to end.
    schedule : str
        Of the learning rates: ``constant``, or ``cosine`` to zero at the last step.
    batch_size : int
        Images a step; the last step of an epoch may have fewer.
    weight_decay, betas, epsilon
        Of the optimiser.
    learning_rates : LearningRates
    """

    name: str = "adamw"
    epochs: int = 200
    stage2_epochs: int = 0
    schedule: str = "constant"
    batch_size: int = 8
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    learning_rates: LearningRates = field(default_factory=LearningRates)

    def __post_init__(self):
        if self.name not in ("adamw", "adam"):
            raise InputError("optimiser.name", received=self.name, allowed="adamw, adam")
        if self.epochs < 0:
            raise InputError("optimiser.epochs", received=self.epochs, allowed="a whole number from 0")
        if not 0 <= self.stage2_epochs <= self.epochs:
            raise InputError(
                "optimiser.stage2_epochs", received=self.stage2_epochs, allowed=f"0 to epochs ({self.epochs})"
            )
        if self.schedule not in SCHEDULES:
            raise InputError("optimiser.schedule", received=self.schedule, allowed=", ".join(SCHEDULES))
        if self.batch_size < 1:
            raise InputError(
                "optimiser.batch_size", received=self.batch_size, allowed="a whole number from 1"
            )
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise InputError(
                "optimiser.betas", received=self.betas, allowed="two numbers, 0 up to, not including, 1"
            )
        if self.weight_decay < 0:
            raise InputError("optimiser.weight_decay", received=self.weight_decay, allowed="0 or more")
        if self.epsilon <= 0:
            raise InputError("optimiser.epsilon", received=self.epsilon, allowed="more than 0")

    def steps(self, k: int) -> int:
        """Optimisation steps of a run with k support images: 200/200/400/800 for k = 4/8/16/32."""
        return self.epochs * -(-k // self.batch_size)

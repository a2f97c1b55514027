"""Settings of SQUID."""

from dataclasses import dataclass

from fusionmedclip.baselines.ranges import at_least, exact, fraction, makes_anomalies, one_of, positive
from fusionmedclip.errors import InputError
from fusionmedclip.synthesis.settings import SynthesisSettings

__all__ = ["SQUIDSettings"]


@dataclass(frozen=True, kw_only=True)
class SQUIDSettings:
    """Official CheXpert settings of SQUID (Xiang et al., CVPR 2023), its choice of epoch on labels aside.

    Attributes
    ----------
    image_size : int
        Side at which images are seen, pixels; a multiple of 32 (2 x 2 patches, halved four times).
    width : int
        Channels of the first level; each of the four halvings doubles them.
    queue_slots, matrix_slots : int
        Vectors in each memory queue of the bottleneck and in each memory matrix of the decoder.
    kept : int
        Memory similarities from the largest down to this rank cut the rest off; the official threshold
        leaves out the one of this rank itself, so ``kept - 1`` vectors take part.
    mask_ratio : float
        Share of positions that training takes from the memory; the rest pass by it.
    heads : int
        Of the attention between a patch and its neighbours.
    steps : int
        Steps of the discriminator. Official: 200 epochs of 85 (``limit`` 84 lets batches 0 to 84 through).
    critic_steps : int
        The generator takes one step in this many.
    train_batch : int
        Images a step; fewer where the support set is smaller, but at least two, repeated if need be.
    learning_rate, final_rate_share, weight_decay : float
        Adam, betas 0.5 and 0.999; the generator's rate falls along a cosine towards a share of itself,
        which it would reach at 1.5 times ``steps`` (official: 300 of 200 epochs).
    reconstruction_weight, adversarial_weight, teacher_weight, distillation_weight : float
        Of the generator's losses.
    discriminator_weight : float
        Of the discriminator's loss.
    translation, scaling : float
        Augmentation: images move by up to this share of their side, and grow or shrink by up to this share.
    synthesis : SynthesisSettings or None
        The thesis's anomalies as further fakes of the discriminator (section 4.3; not official).
    score : str
        Image score: ``discriminator``, minus its logit for the reconstruction (official), or ``residual``,
        the mean squared residual, which tells lesions after far fewer steps (docs/baselines.md).
    judge_statistics : str
        Of the discriminator's batch normalisation at test: ``training``, the running ones, or ``image``, each
        image's own (the official code never leaves training mode and tests images one at a time).
    batch_size : int
        Images scored together.
    precision : str
        ``float32``; or ``tf32``, of GPUs that have it: torch's default for convolutions there, and so what
        the official code computes in.
    """

    image_size: int = 128
    width: int = 32
    queue_slots: int = 200
    matrix_slots: int = 200
    kept: int = 5
    mask_ratio: float = 0.95
    heads: int = 8
    steps: int = 17_000
    critic_steps: int = 2
    train_batch: int = 16
    learning_rate: float = 1e-4
    final_rate_share: float = 0.5
    weight_decay: float = 1e-5
    reconstruction_weight: float = 10.0
    adversarial_weight: float = 0.005
    teacher_weight: float = 0.01
    distillation_weight: float = 0.001
    discriminator_weight: float = 0.005
    translation: float = 0.05
    scaling: float = 0.05
    synthesis: SynthesisSettings | None = None
    score: str = "discriminator"
    judge_statistics: str = "training"
    batch_size: int = 16
    precision: str = "float32"

    @property
    def ours(self) -> dict[str, str]:
        """What stands for an output that the method leaves open, by level of the metric."""
        found = {"pixel": "squared residual of the reconstruction"}
        if self.score == "residual":
            found["image"] = "mean squared residual of the reconstruction"
        return found

    def __post_init__(self):
        exact(self.precision)
        makes_anomalies(self.synthesis)
        one_of(("discriminator", "residual"), score=self.score)
        one_of(("training", "image"), judge_statistics=self.judge_statistics)
        if self.image_size < 32 or self.image_size % 32:
            raise InputError(
                "setting `image_size`", received=self.image_size, allowed="a multiple of 32", hint="128"
            )
        if self.judge_statistics == "image" and self.image_size < 64:
            raise InputError(
                "setting `judge_statistics: image` needs more than one position in the last maps",
                received=self.image_size,
                allowed="`image_size` of 64 or more",
            )
        positive(
            width=self.width,
            heads=self.heads,
            critic_steps=self.critic_steps,
            train_batch=self.train_batch,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
        )
        at_least(2, kept=self.kept)
        at_least(self.kept, queue_slots=self.queue_slots, matrix_slots=self.matrix_slots)
        fraction(mask_ratio=self.mask_ratio, final_rate_share=self.final_rate_share)
        weights = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name.endswith("_weight")
        }
        at_least(0, steps=self.steps, weight_decay=self.weight_decay, **weights)
        at_least(0, translation=self.translation, scaling=self.scaling)

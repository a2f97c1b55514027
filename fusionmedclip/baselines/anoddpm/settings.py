"""Settings of AnoDDPM."""

from dataclasses import dataclass

from fusionmedclip.baselines.ranges import at_least, below_one, exact, one_of, positive
from fusionmedclip.errors import InputError

__all__ = ["AnoDDPMSettings"]


@dataclass(frozen=True, kw_only=True)
class AnoDDPMSettings:
    """Official settings of AnoDDPM (Wyatt et al., CVPRW 2022) for brain MRI, 256 pixels.

    Attributes
    ----------
    image_size : int
        Side at which images are seen, pixels; halved once a level.
    channels : tuple of int
        Of the U-Net's levels.
    attention : tuple of bool
        Levels with self-attention; the middle always has it. Official: 32, 16 and 8 pixels, the network's
        own default, since no script passes on the ``attention_resolutions`` ("16,8") of its arguments.
    residual_blocks, heads, norm_groups : int
        Of the U-Net.
    noise : str
        ``simplex`` or ``gaussian``.
    octaves, persistence, frequency
        Of the simplex noise.
    timesteps : int
        T of the linear schedule, whose variances go from 0.1 / T to 20 / T.
    train_timesteps : int
        Training draws its steps below this.
    test_timesteps : int
        Images are taken this many steps into the noise and back.
    reverse_steps : int or None
        Steps on the way back; None takes every one (official), fewer skip evenly.
    steps : int
        Optimisation steps. Official: 3,000 epochs of 100 images (its loop runs one more).
    epochs : int or None
        Passes over the support set, in place of ``steps``; the protocol takes 3,000.
    train_batch : int
        Images a step.
    learning_rate : float
        AdamW without weight decay.
    gradient_norm : float
        Gradients are clipped to this norm.
    ema : float
        Decay of the averaged weights that are tested. In short trainings the decay is at most
        (1 + step) / (10 + step), or the average would still be the random start.
    degrees, translation
        Augmentation: largest turn, and moves along width and height as shares of the side.
    score : str
        Image score, which the method leaves open: ``mean`` or ``max`` of the squared error.
    batch_size : int
        Images scored together.
    precision : str
        ``float32``; or ``tf32``, of GPUs that have it: torch's default for convolutions there, and so what
        the official code computes in.
    """

    image_size: int = 256
    channels: tuple[int, ...] = (128, 128, 256, 256, 512, 512)
    attention: tuple[bool, ...] = (False, False, False, True, True, True)
    residual_blocks: int = 2
    heads: int = 2
    norm_groups: int = 32
    noise: str = "simplex"
    octaves: int = 6
    persistence: float = 0.8
    frequency: float = 64.0
    timesteps: int = 1000
    train_timesteps: int = 800
    test_timesteps: int = 200
    reverse_steps: int | None = None
    steps: int = 300_000
    epochs: int | None = None
    train_batch: int = 1
    learning_rate: float = 1e-4
    gradient_norm: float = 1.0
    ema: float = 0.9999
    degrees: float = 3.0
    translation: tuple[float, float] = (0.02, 0.09)
    score: str = "mean"
    batch_size: int = 16
    precision: str = "float32"

    @property
    def ours(self) -> dict[str, str]:
        """What stands for an output that the method leaves open, by level of the metric."""
        statistic = {"mean": "mean", "max": "maximum"}[self.score]
        return {"image": f"{statistic} of the squared error", "pixel": "squared error of the way back"}

    @property
    def inert(self) -> tuple[str, ...]:
        """What computes nothing; see :func:`fusionmedclip.settings.effective`."""
        unused = () if self.noise == "simplex" else ("octaves", "persistence", "frequency")
        return unused if self.epochs is None else (*unused, "steps")

    def budget(self, k: int) -> int:
        """Optimisation steps with k support images."""
        return self.steps if self.epochs is None else self.epochs * -(-k // self.train_batch)

    def __post_init__(self):
        exact(self.precision)
        one_of(("simplex", "gaussian"), noise=self.noise)
        one_of(("mean", "max"), score=self.score)
        self._check_network()
        limits = {"train_timesteps": self.timesteps, "test_timesteps": self.timesteps}
        if self.reverse_steps is not None:
            limits["reverse_steps"] = self.test_timesteps
        for name, limit in limits.items():
            if not 1 <= getattr(self, name) <= limit:
                raise InputError(f"setting `{name}`", received=getattr(self, name), allowed=f"1 to {limit}")
        positive(
            octaves=self.octaves,
            persistence=self.persistence,
            frequency=self.frequency,
            train_batch=self.train_batch,
            learning_rate=self.learning_rate,
            gradient_norm=self.gradient_norm,
            batch_size=self.batch_size,
        )
        at_least(0, steps=self.steps, degrees=self.degrees)
        below_one(ema=self.ema)
        if self.epochs is not None:
            at_least(0, epochs=self.epochs)

    def _check_network(self) -> None:
        halvings = 2 ** (len(self.channels) - 1)
        if not self.channels or self.image_size < halvings or self.image_size % halvings:
            raise InputError(
                "setting `image_size` does not fit the levels of `channels`",
                received=(self.image_size, self.channels),
                allowed=f"a multiple of {halvings}",
            )
        if len(self.attention) != len(self.channels):
            raise InputError(
                "setting `attention` needs one entry a level",
                received=self.attention,
                hint=str(self.channels),
            )
        positive(residual_blocks=self.residual_blocks, heads=self.heads, norm_groups=self.norm_groups)
        for width in self.channels:
            if width % self.norm_groups or width % self.heads:
                raise InputError(
                    "setting `channels`",
                    received=self.channels,
                    allowed=f"multiples of {self.norm_groups} (norm_groups) and of {self.heads} (heads)",
                )

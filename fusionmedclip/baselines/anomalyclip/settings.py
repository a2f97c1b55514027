"""Settings of AnomalyCLIP."""

from dataclasses import dataclass

from fusionmedclip.baselines.ranges import at_least, below_one, blur, positive
from fusionmedclip.errors import InputError

__all__ = ["AnomalyCLIPSettings"]


@dataclass(frozen=True, kw_only=True)
class AnomalyCLIPSettings:
    """AnomalyCLIP (Zhou et al., ICLR 2024); defaults of its published scripts.

    Attributes
    ----------
    subject : str
        What both prompts are about, whatever the images show.
    normal, abnormal : str
        The two prompts behind the learnt vectors, ``{}`` for the subject.
    context_tokens : int
        Learnt vectors of each prompt.
    text_depth : int
        Up to which block of the text tower the first vectors are replaced by other learnt ones, the same for
        both prompts; 1 for the input alone.
    deep_tokens : int
        How many of them.
    value_blocks : int
        Of how many last blocks of the image tower the attention of values to values makes the patches.
    temperature : float
        Cosines are divided by it.
    meta_steps : int
        Of Adam. Published: 15 epochs over the test set of MVTec AD, 216 batches each.
    meta_batch : int
        Images a step, of any of the other data sets.
    learning_rate : float
    betas : (float, float)
    local_weight : float
        Of the losses of the map, beside that of the image.
    sigma : float
        Gaussian smoothing of the map, pixels.
    batch_size : int
        Images whose features are computed together.
    """

    subject: str = "object"
    normal: str = "{}"
    abnormal: str = "damaged {}"
    context_tokens: int = 12
    text_depth: int = 9
    deep_tokens: int = 4
    value_blocks: int = 19
    temperature: float = 0.07
    meta_steps: int = 15 * 216
    meta_batch: int = 8
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.999)
    local_weight: float = 4.0
    sigma: float = 4.0
    batch_size: int = 8

    @property
    def learns_from_others(self) -> bool:
        """Always: nothing is learnt from the support set."""
        return True

    @property
    def learns_ahead(self) -> bool:
        """Always."""
        return True

    @property
    def learns_labels(self) -> bool:
        """Always: of the other data sets it takes normal and abnormal images, labels and masks."""
        return True

    @property
    def ignores_support(self) -> bool:
        """Always."""
        return True

    def __post_init__(self):
        for name in ("normal", "abnormal"):
            if (phrase := getattr(self, name)).count("{}") != 1:
                raise InputError(f"setting `{name}`", received=phrase, allowed="a phrase with {} once")
        positive(
            context_tokens=self.context_tokens,
            text_depth=self.text_depth,
            deep_tokens=self.deep_tokens,
            value_blocks=self.value_blocks,
            temperature=self.temperature,
            meta_steps=self.meta_steps,
            meta_batch=self.meta_batch,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
        )
        if self.deep_tokens > self.context_tokens:
            raise InputError(
                "setting `deep_tokens`",
                received=self.deep_tokens,
                allowed=f"up to `context_tokens`, {self.context_tokens}: they replace learnt vectors",
            )
        below_one(**{f"betas[{place}]": value for place, value in enumerate(self.betas)})
        at_least(0, local_weight=self.local_weight)
        blur(sigma=self.sigma)

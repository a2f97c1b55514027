"""Settings of zero-shot CLIP."""

from dataclasses import dataclass

from fusionmedclip.baselines.prompt_sets import PROMPT_SETS
from fusionmedclip.baselines.ranges import one_of, positive

__all__ = ["ClipZeroShotSettings"]


@dataclass(frozen=True, kw_only=True)
class ClipZeroShotSettings:
    """Zero-shot CLIP; no image is learnt from.

    Attributes
    ----------
    prompts : str
        A key of :data:`fusionmedclip.baselines.prompt_sets.PROMPT_SETS`.
    subject : str
        What the phrases are about.
    temperature : float
        Of the softmax over the two states; changes no ranking of images.
    batch_size : int
        Images scored together.
    """

    prompts: str = "plain"
    subject: str = "medical image"
    temperature: float = 0.07
    batch_size: int = 16

    @property
    def ignores_support(self) -> bool:
        """Always."""
        return True

    @property
    def ours(self) -> dict[str, str]:
        """What stands for an output that the method leaves open, by level of the metric."""
        return {"pixel": "projected final patch tokens against the text"}

    def __post_init__(self):
        one_of(tuple(PROMPT_SETS), prompts=self.prompts)
        positive(temperature=self.temperature, batch_size=self.batch_size)

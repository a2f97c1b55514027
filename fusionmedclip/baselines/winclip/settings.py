"""Settings of WinCLIP."""

from dataclasses import dataclass

from fusionmedclip.baselines.prompt_sets import PROMPT_SETS
from fusionmedclip.baselines.ranges import one_of, positive
from fusionmedclip.errors import InputError

__all__ = ["WinCLIPSettings"]


@dataclass(frozen=True, kw_only=True)
class WinCLIPSettings:
    """Few-shot WinCLIP+ (Jeong et al., CVPR 2023).

    Attributes
    ----------
    prompts : str
        A key of :data:`fusionmedclip.baselines.prompt_sets.PROMPT_SETS`; ``industrial`` is the paper's.
    subject : str
        What the phrases are about.
    scales : tuple of int
        Sides of the windows, in patches.
    temperature : float
        Of the softmax over the two states.
    language : bool
        Whether text takes part; without it only the support set does.
    batch_size : int
        Images scored together.
    """

    prompts: str = "industrial"
    subject: str = "medical image"
    scales: tuple[int, ...] = (2, 3)
    temperature: float = 0.07
    language: bool = True
    batch_size: int = 8

    def __post_init__(self):
        one_of(tuple(PROMPT_SETS), prompts=self.prompts)
        if not all(isinstance(s, int) and s > 1 for s in self.scales):
            raise InputError("setting `scales`", received=self.scales, allowed="whole numbers from 2")
        positive(temperature=self.temperature, batch_size=self.batch_size)

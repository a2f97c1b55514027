"""Settings of PromptAD."""

from dataclasses import dataclass

from fusionmedclip.baselines.ranges import at_least, below_one, blur, layer_list, positive
from fusionmedclip.errors import InputError

__all__ = ["PromptADSettings"]


@dataclass(frozen=True, kw_only=True)
class PromptADSettings:
    """PromptAD (Li et al., CVPR 2024); defaults of its published code.

    Attributes
    ----------
    subject : str
        What the prompts are about.
    states : tuple of str
        Abnormal states in words, ``{}`` for the subject. The published code adds some for each kind of object
        of its data, which know what its anomalies look like; none here.
    layers : tuple of int or str
        Whose patches are compared with the support set's. Of open_clip's vision transformers: the stream
        after the attention of these blocks (ViT-B's; the published code means the third and the eighth, and
        the next attention is added to what it kept). Of other towers: the output of these layers.
    value_blocks : int
        Of how many last blocks the attention of values to values makes the map's patches.
    context_tokens, abnormal_tokens : int
        Learnt vectors of a normal prompt, and those that an abnormal one has besides.
    image_prompts, map_prompts : int
        Normal prompts of the image score, and of the map: each has prompts of its own.
    abnormal_prompts : int
        Learnt abnormal suffixes, each behind every normal prompt.
    steps : int
        Of SGD, all support images in each.
    learning_rate, final_rate : float
        The rate falls from one to the other along a cosine.
    momentum, weight_decay : float
    match_weight : float
        Of the distance between the means of the abnormal prompts in words and of those that are learnt.
    sigma : float
        Gaussian smoothing of the map, pixels.
    batch_size : int
        Images whose features are computed together.
    """

    subject: str = "medical image"
    states: tuple[str, ...] = (
        "damaged {}",
        "flawed {}",
        "abnormal {}",
        "imperfect {}",
        "blemished {}",
        "{} with flaw",
        "{} with defect",
        "{} with damage",
    )
    layers: tuple[int | str, ...] = (4, 9)
    value_blocks: int = 12
    context_tokens: int = 4
    abnormal_tokens: int = 1
    image_prompts: int = 3
    map_prompts: int = 1
    abnormal_prompts: int = 4
    steps: int = 100
    learning_rate: float = 2e-3
    final_rate: float = 1e-5
    momentum: float = 0.9
    weight_decay: float = 5e-4
    match_weight: float = 1e-3
    sigma: float = 4.0
    batch_size: int = 8

    def __post_init__(self):
        layer_list(self.layers)
        if not self.states or not all(state.count("{}") == 1 for state in self.states):
            raise InputError(
                "setting `states`", received=self.states, allowed="one or more phrases, each with {} once"
            )
        positive(
            value_blocks=self.value_blocks,
            context_tokens=self.context_tokens,
            abnormal_tokens=self.abnormal_tokens,
            image_prompts=self.image_prompts,
            map_prompts=self.map_prompts,
            abnormal_prompts=self.abnormal_prompts,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
        )
        below_one(momentum=self.momentum)
        at_least(
            0,
            steps=self.steps,
            final_rate=self.final_rate,
            weight_decay=self.weight_decay,
            match_weight=self.match_weight,
        )
        blur(sigma=self.sigma)

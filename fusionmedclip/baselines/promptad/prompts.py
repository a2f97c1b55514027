"""Prompts of PromptAD: normal ones that are learnt, abnormal ones from words and from learnt suffixes."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.baselines.promptad.settings import PromptADSettings
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.prompts.context import placeholder_tokens
from fusionmedclip.models.prompts.text import encode_text, token_width
from fusionmedclip.randomness import torch_generator

__all__ = ["StatePrompts", "Texts", "prompt_loss"]

INITIAL_STD = 0.02


class Texts(NamedTuple):
    """Text features, not normalised.

    Attributes
    ----------
    normal : (N, D) tensor
    worded : (S N, D) tensor
        Of each abnormal state in words, behind each normal prompt.
    learnt : (A N, D) tensor
        Of each learnt suffix, behind each normal prompt.
    """

    normal: Tensor
    worded: Tensor
    learnt: Tensor

    @property
    def abnormal(self) -> Tensor:
        """(S N + A N, D): both kinds."""
        return torch.cat([self.worded, self.learnt])

    @property
    def states(self) -> Tensor:
        """(2, D) unit vectors: the mean of the normal prompts, and of the abnormal ones."""
        return F.normalize(torch.stack([self.normal.mean(dim=0), self.abnormal.mean(dim=0)]), dim=1)


class StatePrompts(nn.Module):
    """The learnt vectors, and the words around them.

    Parameters
    ----------
    backbone : Backbone
        Its frozen text tower is used, and not kept.
    settings : PromptADSettings
    normal : int
        Count of normal prompts N.
    purpose : int or str
        Keys the start of the vectors.
    """

    def __init__(self, backbone: Backbone, settings: PromptADSettings, normal: int, *purpose: int | str):
        super().__init__()
        s, width = settings, token_width(backbone)
        self.count = normal

        def vectors(name: str, count: int, length: int) -> nn.Parameter:
            drawn = torch.randn(count, length, width, generator=torch_generator(*purpose, name))
            return nn.Parameter((drawn * INITIAL_STD).to(backbone.mean.device))

        self.normal = vectors("normal", normal, s.context_tokens)
        self.abnormal = vectors("abnormal", s.abnormal_prompts, s.abnormal_tokens)
        worded = [f"{state.format(s.subject)}." for state in s.states for _ in range(normal)]
        plain = [f"{s.subject}."]
        both = s.context_tokens + s.abnormal_tokens
        self.tokens = [
            placeholder_tokens(backbone, texts, length).to(backbone.mean.device)
            for texts, length in (
                (plain * normal, s.context_tokens),
                (worded, s.context_tokens),
                (plain * (normal * s.abnormal_prompts), both),
            )
        ]

    def forward(self, backbone: Backbone) -> Texts:
        """Features of all prompts."""
        normal, worded, learnt = self.tokens
        times = len(learnt) // self.count
        behind = self.normal.repeat(times, 1, 1)
        suffixes = self.abnormal.repeat_interleave(self.count, dim=0)
        return Texts(
            encode_text(backbone, normal, context=self.normal),
            encode_text(backbone, worded, context=self.normal.repeat(len(worded) // self.count, 1, 1)),
            encode_text(backbone, learnt, context=torch.cat([behind, suffixes], dim=1)),
        )


def prompt_loss(features: Tensor, texts: Texts, *, scale: Tensor, match_weight: float) -> Tensor:
    """Loss of unit image features, all normal (Li et al., CVPR 2024, as its published code has it).

    The mean of the normal prompts is to fit each feature better than every abnormal prompt does
    (cross-entropy), and to lie nearer than the mean of the abnormal ones (triplet, margin 0). The means of
    abnormal prompts in words and learnt are drawn together.

    Parameters
    ----------
    features : (k, D) or (k, P, D) tensor
        Of images, or of their patches; of patches the published triplet sums over an image's patches, for
        each of the D numbers alone.
    texts : Texts
    scale : () tensor
        Of the cosines in the cross-entropy.
    match_weight : float
    """
    normal, abnormal = texts.states
    cosines = torch.cat([normal.unsqueeze(0), F.normalize(texts.abnormal, dim=1)])
    logits = scale * (features @ cosines.T).flatten(0, -2)
    told = F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64, device=logits.device))
    near, far = ((features - state).square().sum(dim=1) for state in (normal, abnormal))
    worded, learnt = (F.normalize(part, dim=1).mean(dim=0) for part in (texts.worded, texts.learnt))
    return told + F.relu(near - far).mean() + match_weight * (worded - learnt).square().sum()

"""Prompts: learnable context (CoOp, thesis Eq. 3), started from UMLS knowledge, or manual."""

import json
from importlib.resources import files

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.errors import InputError
from fusionmedclip.models.adaptation.attention import batch_first_attention
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.prompts.text import (
    deciding_length,
    encode_text,
    mean_token_embeddings,
    text_tower,
    token_width,
)
from fusionmedclip.models.prompts.umls import read_concepts
from fusionmedclip.models.settings import PromptSettings
from fusionmedclip.randomness import torch_generator

__all__ = ["Prompts", "placeholder_tokens"]


class Prompts(nn.Module):
    """Text embeddings f_n, f_a of the two states.

    Parameters
    ----------
    backbone : Backbone
        Its frozen text tower is used, and not kept.
    settings : PromptSettings
    seed : int
        Keys the random start of the context.

    Raises
    ------
    InputError
        If the backbone has no text tower, or the context leaves no room for the class names.
    """

    tokens: Tensor
    context: nn.Parameter | None

    def __init__(self, backbone: Backbone, settings: PromptSettings, *, seed: int):
        super().__init__()
        batch_first_attention(text_tower(backbone).transformer)
        self.settings = settings
        normal, abnormal = _texts(settings)
        self.texts = [*normal, *abnormal]
        self.states = [0] * len(normal) + [1] * len(abnormal)
        learnable = 0 if settings.form == "manual" else settings.context_tokens
        tokens = placeholder_tokens(backbone, [*normal, *abnormal], learnable)
        self.length = deciding_length(text_tower(backbone), tokens, causal=settings.causal)
        self.register_buffer("tokens", tokens.to(backbone.mean.device), persistent=False)
        if settings.form == "manual":
            self.context = None
        else:
            self.context = nn.Parameter(_initial_context(backbone, settings, self.states, seed))

    def forward(self, backbone: Backbone) -> Tensor:
        """Unit embeddings (2, D), normal then anomaly (Eq. 3).

        Features of a state's prompts are averaged, then normalised.
        """
        raw, normal = self._features(backbone), self.states.count(0)
        return F.normalize(torch.stack([part.mean(dim=0) for part in (raw[:normal], raw[normal:])]), dim=-1)

    def each(self, backbone: Backbone) -> Tensor:
        """Unit embeddings (P, D) of the single prompts, in the order of ``texts``."""
        return F.normalize(self._features(backbone), dim=-1)

    def _features(self, backbone: Backbone) -> Tensor:
        context: Tensor | None = self.context
        if context is not None:
            context = context.expand(len(self.states), -1, -1)
        causal = self.settings.causal
        return encode_text(backbone, self.tokens, context=context, causal=causal, length=self.length)


def placeholder_tokens(backbone: Backbone, texts: list[str], learnable: int) -> Tensor:
    """Token ids (P, L) of texts, behind one placeholder token for each learnable vector."""
    tokens = backbone.tokenizer(["X " * learnable + text for text in texts])
    bare = backbone.tokenizer(texts)
    blank = torch.unique(backbone.tokenizer([""])[0])
    grown, own = ((~torch.isin(t, blank)).sum(dim=1) for t in (tokens, bare))
    if bool((grown != own + learnable).any()):
        raise InputError(
            "prompt.context_tokens: context and class name do not fit the text tower",
            received=learnable,
            allowed=f"what leaves room for the class name in {tokens.shape[1]} tokens",
        )
    return tokens


def _texts(settings: PromptSettings) -> tuple[list[str], list[str]]:
    if settings.form == "phrases":
        table = json.loads(
            (files("fusionmedclip.models.prompts") / "data" / "mediclip_phrases.json").read_text()
        )
        return [f"{p}." for p in table["normal"]], [f"{p}." for p in table["abnormal"]]
    normal, abnormal = settings.class_names
    if settings.form == "manual":
        return [settings.template.format(normal)], [settings.template.format(abnormal)]
    return [normal], [abnormal]


def _initial_context(backbone: Backbone, settings: PromptSettings, states: list[int], seed: int) -> Tensor:
    """Starting context vectors (P, M, W), or (1, M, W) where all prompts share them."""
    slots, width = settings.context_tokens, token_width(backbone)
    count = len(states) if settings.class_specific else 1
    random = torch.randn(count, slots, width, generator=torch_generator(seed, "context"))
    context = (random * settings.init_std).to(backbone.mean.device)
    informed = round(slots * settings.umls_share)
    if settings.umls == "none" or not informed:
        return context
    knowledge = _knowledge(backbone, settings.umls, informed)
    if settings.class_specific:
        context[:, :informed] = knowledge[states]
    else:
        context[:, :informed] = knowledge.mean(dim=0)
    return context


@torch.no_grad()
def _knowledge(backbone: Backbone, umls: str, slots: int) -> Tensor:
    """Vectors (2, slots, W) of the two concepts.

    A concept's texts, in Table A3's order, are dealt into ``slots`` nearly equal runs; a slot starts at the
    mean of its run, so that the slots differ.
    """
    rows = []
    for concept in read_concepts():
        if umls == "token_embeddings":
            vectors = mean_token_embeddings(backbone, concept.texts)
        else:
            vectors = _encoder_outputs(backbone, concept.texts)
        runs = torch.tensor_split(vectors, min(slots, len(vectors)))
        means = torch.stack([run.mean(dim=0) for run in runs])
        rows.append(means[torch.arange(slots) % len(means)])
    return torch.stack(rows)


def _encoder_outputs(backbone: Backbone, texts: list[str]) -> Tensor:
    features = encode_text(backbone, backbone.tokenizer(texts).to(backbone.mean.device))
    if features.shape[1] != token_width(backbone):
        raise InputError(
            "prompt.umls: encoder outputs do not fit the token embeddings of this text tower",
            received=f"{features.shape[1]}-d outputs, {token_width(backbone)}-d tokens",
            hint="use umls: token_embeddings",
        )
    return features

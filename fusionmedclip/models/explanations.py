"""What a map is put together from: layers, prompts, and the words that learnt context lies near."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from fusionmedclip.errors import InputError
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.prompts.text import token_embeddings
from fusionmedclip.models.similarity import aggregate

__all__ = ["NearToken", "layer_maps", "nearest_tokens", "prompt_similarities"]


class NearToken(NamedTuple):
    """A token of the vocabulary near a learnt context vector.

    Attributes
    ----------
    prompt : str
        Class name or phrase that the context stands before; ``"all"`` where all share it.
    slot : int
        Place in the context, counted from 1.
    rank : int
        1 is the nearest.
    token : str
    cosine : float
    norm : float
        Length of the context vector.
    """

    prompt: str
    slot: int
    rank: int
    token: str
    cosine: float
    norm: float


@torch.no_grad()
def layer_maps(model: FusionModel, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Anomaly probability by each layer alone (thesis Eq. 6), upsampled.

    With Eq. 7's aggregation (``softmax_first``) their mean is the model's map.

    Returns
    -------
    (J, B, H, W) tensor

    Raises
    ------
    InputError
        If the model's head has no map.
    """
    text = model.text()
    alone = [
        aggregate(
            [layer],
            text,
            tau=model.temperature(),
            size=size,
            aggregation=model.settings.aggregation,
            align_corners=model.settings.align_corners,
        )
        for layer in _aligned(model, features)
    ]
    return torch.stack(alone)


@torch.no_grad()
def prompt_similarities(model: FusionModel, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Cosine of each place with each prompt, mean over layers, upsampled.

    Returns
    -------
    (P, B, H, W) tensor
        In [-1, 1], in the order of ``model.prompts.texts``.
    """
    prompts = model.prompts.each(model.backbone)
    corners = model.settings.align_corners
    cosines = [
        F.interpolate(
            torch.einsum("bdhw,pd->bphw", layer, prompts), size=size, mode="bilinear", align_corners=corners
        )
        for layer in _aligned(model, features)
    ]
    return torch.stack(cosines).mean(dim=0).transpose(0, 1)


@torch.no_grad()
def nearest_tokens(model: FusionModel, *, count: int = 5) -> list[NearToken]:
    """Vocabulary tokens whose embeddings have the largest cosine with each learnt context vector.

    Nearest words are a hint alone: learnt vectors lie far from all of them as a rule (Zhou et al. 2022,
    section 4.4).

    Returns
    -------
    list of NearToken
        Empty for manual prompts, which learn nothing.
    """
    if model.prompts.context is None:
        return []
    vocabulary = F.normalize(token_embeddings(model.backbone).float(), dim=1)
    found = []
    shared = len(model.prompts.context) == 1
    for prompt, context in enumerate(model.prompts.context.float()):
        cosines, tokens = (F.normalize(context, dim=1) @ vocabulary.T).topk(count, dim=1)
        for slot, vector in enumerate(context):
            for rank in range(count):
                token = _word(model.backbone.tokenizer, int(tokens[slot, rank]))
                name = "all" if shared else model.prompts.texts[prompt]
                cosine, norm = float(cosines[slot, rank]), float(vector.norm())
                found.append(NearToken(name, slot + 1, rank + 1, token, cosine, norm))
    return found


def _aligned(model: FusionModel, features: Sequence[Tensor]) -> list[Tensor]:
    if model.settings.head != "map":
        raise InputError("this model has no map to explain", received=f"head: {model.settings.head}")
    return model.aligned([layer.float() for layer in features])


def _word(tokenizer: object, token: int) -> str:
    """A token as text: open_clip's tokenizer, or the Hugging Face one inside its wrapper."""
    decode = getattr(tokenizer, "decode", None) or getattr(
        getattr(tokenizer, "tokenizer", None), "decode", None
    )
    return str(decode([token])).strip() if decode else f"token {token}"

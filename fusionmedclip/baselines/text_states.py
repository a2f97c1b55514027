"""Two states as unit text embeddings, and what an image embedding says of them."""

import torch
from torch import Tensor
from torch.nn import functional as F

from fusionmedclip.baselines.prompt_sets import phrases
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.prompts.text import encode_text

__all__ = ["anomaly_probability", "state_embeddings"]


@torch.inference_mode()
def state_embeddings(backbone: Backbone, prompts: str, subject: str) -> Tensor:
    """(2, D) unit embeddings, normal then abnormal: the mean of each state's unit phrase embeddings."""
    states = []
    for texts in phrases(prompts, subject):
        tokens = backbone.tokenizer(texts).to(backbone.mean.device)
        unit = F.normalize(encode_text(backbone, tokens).float(), dim=1)
        states.append(F.normalize(unit.mean(dim=0), dim=0))
    return torch.stack(states)


def anomaly_probability(embeddings: Tensor, states: Tensor, temperature: float) -> Tensor:
    """Softmax over the two states of (..., D) embeddings, not normalised: (...) in [0, 1]."""
    cosines = F.normalize(embeddings, dim=-1) @ states.T
    return (cosines / temperature).softmax(dim=-1)[..., 1]

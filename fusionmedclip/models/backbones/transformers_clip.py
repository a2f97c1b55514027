"""CLIP's weights under the names of Hugging Face's transformers, brought under open_clip's.

Both define the network of Radford et al. 2021. transformers has q, k and v apart, position embeddings as
layers, and projections as linear layers, whose matrices are the transposes of open_clip's.
"""

import re
from collections import defaultdict

import torch

from fusionmedclip.errors import InputError

__all__ = ["from_transformers", "is_transformers"]

_LAYER = re.compile(r"(text|vision)_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")
_PARTS = ("q", "k", "v")  # in the order in which torch's attention stacks them
_ATTENTION = {f"self_attn.{part}_proj": part for part in _PARTS}
_IN_LAYER = {
    "layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn.out_proj": "attn.out_proj", 
    "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
}  # fmt: skip
_PLAIN = {
    "logit_scale": "logit_scale",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",  # transformers' own spelling
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
}
_TRANSPOSED = {"text_projection.weight": "text_projection", "visual_projection.weight": "visual.proj"}
_LEFT_OUT = ("text_model.embeddings.position_ids", "vision_model.embeddings.position_ids")
_TOWERS = {"text": "transformer", "vision": "visual.transformer"}


def is_transformers(state: dict[str, torch.Tensor]) -> bool:
    """Whether names are those of transformers' two-tower models."""
    return any(name.startswith(("text_model.", "vision_model.")) for name in state)


def from_transformers(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """State dict of transformers' ``CLIPModel`` under open_clip's names.

    Raises
    ------
    InputError
        If it is another model than CLIP, such as SigLIP, or lacks one of q, k and v.
    """
    converted: dict[str, torch.Tensor] = {}
    apart: dict[str, dict[str, torch.Tensor]] = defaultdict(dict)
    unknown: list[str] = []
    for name, tensor in state.items():
        place, part = _place(name)
        if part:
            apart[place][part] = tensor
        elif place:
            converted[place] = tensor.T.contiguous() if name in _TRANSPOSED else tensor
        elif name not in _LEFT_OUT:
            unknown.append(name)
    incomplete = sorted(place for place, parts in apart.items() if len(parts) < len(_PARTS))
    if unknown or incomplete:
        raise InputError(
            "weights under transformers' names, but not those of its CLIP",
            received=sorted(unknown)[:3]
            or [f"{incomplete[0]} of {', '.join(sorted(apart[incomplete[0]]))} alone"],
            allowed="a CLIPModel, or weights under open_clip's names",
        )
    return converted | {place: torch.cat([parts[p] for p in _PARTS]) for place, parts in apart.items()}


def _place(name: str) -> tuple[str, str]:
    """open_clip's name of a tensor, empty where it has none; and which of q, k and v it is."""
    if name in _PLAIN or name in _TRANSPOSED:
        return {**_PLAIN, **_TRANSPOSED}[name], ""
    match = _LAYER.fullmatch(name)
    if match is None:
        return "", ""
    block, module, kind = f"{_TOWERS[match[1]]}.resblocks.{match[2]}", match[3], match[4]
    if module in _IN_LAYER:
        return f"{block}.{_IN_LAYER[module]}.{kind}", ""
    if module in _ATTENTION:
        return f"{block}.attn.in_proj_{kind}", _ATTENTION[module]
    return "", ""

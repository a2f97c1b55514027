"""One number for a backbone: the same wherever its weights lie, another where they or what is done differ."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import torch

from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.provenance import digest

__all__ = ["backbone_digest"]


def backbone_digest(backbone: Backbone) -> str:
    """SHA-256 over all tensors of both towers, the activation and the normalisation of images.

    Parameters
    ----------
    backbone : Backbone
        Before anything adapts it in place.

    Returns
    -------
    str
        Hexadecimal; neither file format, place, device nor strides change it.
    """
    network = backbone.visual if backbone.clip_model is None else backbone.clip_model
    state = network.state_dict()
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:  # hashing releases the interpreter's lock
        hashes = list(pool.map(_hash, state.values()))
    return digest(
        {
            "tensors": {name: found for name, found in zip(state, hashes, strict=True)},
            "activations": sorted(
                {type(m).__name__ for m in network.modules() if "GELU" in type(m).__name__}
            ),
            "mean": backbone.mean.flatten().tolist(),
            "std": backbone.std.flatten().tolist(),
        }
    )


def _hash(tensor: torch.Tensor) -> list:
    plain = tensor.detach().cpu().contiguous()
    content = plain.reshape(-1).view(torch.uint8).numpy().data
    return [str(plain.dtype), list(plain.shape), hashlib.sha256(content).hexdigest()]

"""Captions as embeddings, computed once: the text tower is frozen, so they never change."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.checkpoints import write_safely
from fusionmedclip.models.prompts.text import encode_text
from fusionmedclip.training.pretrain.distributed import World

__all__ = ["embed_texts", "keep_texts", "number_captions"]


def number_captions(captions: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Different captions in order of first appearance, and the number of each caption among them."""
    numbers: dict[str, int] = {}
    ids = np.array([numbers.setdefault(caption, len(numbers)) for caption in captions], dtype=np.int64)
    return list(numbers), ids


@torch.no_grad()
def embed_texts(backbone: Backbone, texts: Sequence[str], *, world: World, batch: int = 64) -> Tensor:
    """Unit embeddings of texts by the frozen text tower (thesis Eq. 1), the work shared by all processes.

    Parameters
    ----------
    backbone : Backbone
    texts : sequence of str
        Cut to the tower's context, 77 tokens in Table A2.
    world : World
    batch : int
        Texts that go through the tower at once.

    Returns
    -------
    (U, D) float32 tensor
        On the world's device.
    """
    own = list(texts[world.rank :: world.size])
    parts = [torch.zeros(0, cast(int, backbone.embed_dim), device=world.device)]
    for start in range(0, len(own), batch):
        tokens = backbone.tokenizer(own[start : start + batch]).to(world.device)
        parts.append(F.normalize(encode_text(backbone, tokens).float(), dim=-1))
    return world.gather_shares(torch.cat(parts), len(texts))


def keep_texts(path: Path, backbone: Backbone, texts: Sequence[str], *, start: str, world: World) -> Tensor:
    """:func:`embed_texts`, read from a file where an interrupted run has left them.

    Parameters
    ----------
    path : Path
        A safetensors file; the first process writes it.
    backbone, texts, world
        As for :func:`embed_texts`.
    start : str
        Names the weights of the text tower.
    """
    name = hashlib.sha256(repr((start, list(texts))).encode()).hexdigest()
    embedded = _read_tensor(path, name)
    if embedded is None:
        embedded = embed_texts(backbone, texts, world=world)
        if world.first:
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = {name: embedded.cpu()}
            write_safely(path, lambda place: save_file(kept, place))
        world.wait()
    return embedded.to(world.device)


def _read_tensor(path: Path, name: str) -> Tensor | None:
    if not path.is_file():
        return None
    with safe_open(path, framework="pt") as file:
        return file.get_tensor(name).clone() if name in set(file.keys()) else None

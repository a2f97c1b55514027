"""Validation loss, retrieval both ways, and zero-shot accuracy where labels exist."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from scipy.special import comb
from torch import Tensor
from torch.nn import functional as F

from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.training.pretrain.distributed import World
from fusionmedclip.training.pretrain.loss import contrastive_loss, equal_captions

__all__ = ["RANKS", "Measure", "embed_images", "label_accuracy", "retrieval", "validation_loss"]

RANKS = (1, 5, 10)


@dataclass(frozen=True)
class Measure:
    """One number of one split, beside what guessing would give."""

    metric: str
    value: float
    chance: float


@torch.no_grad()
def embed_images(
    backbone: Backbone, batches: Iterable[np.ndarray], *, count: int, world: World, precision: str
) -> Tensor:
    """Unit embeddings (count, D) of images that process r holds as rows r, r + size, ...

    Parameters
    ----------
    backbone : Backbone
    batches : iterable of (b, H, W) float32 arrays
        This process's images, in order.
    count : int
        Images of all processes.
    world : World
    precision : str
    """
    parts = [torch.zeros(0, cast(int, backbone.embed_dim), device=world.device)]
    for images in batches:
        with backbone.autocast(precision):
            features = backbone.visual(backbone.pixels(images))
        parts.append(F.normalize(features.float(), dim=-1))
    return world.gather_shares(torch.cat(parts), count)


def validation_loss(
    images: Tensor, texts: Tensor, captions: Tensor, *, order: np.ndarray, batch: int, temperature: float
) -> Measure:
    """Eq. 2 without smoothing or mixup, averaged over batches of at least ``batch`` images.

    Parameters
    ----------
    images : (N, D) tensor
        Unit embeddings.
    texts : (U, D) tensor
        Unit embeddings of all captions.
    captions : (N,) int64 tensor
        Number of each image's caption.
    order : (N,) int64 array
        The same every time: the loss depends on which images share a batch.
    batch : int
    temperature : float
    """
    total = chance = 0.0
    for part in np.array_split(order, max(1, len(order) // batch)):
        rows = torch.from_numpy(part).to(images.device)
        same = equal_captions(captions[rows])
        loss = contrastive_loss(images[rows], texts[captions[rows]], temperature=temperature, excluded=same)
        total += loss.item() * len(rows)
        chance += (~same).sum(dim=1).double().log().sum().item()
    return Measure("loss", total / len(order), chance / len(order))


def retrieval(images: Tensor, texts: Tensor, captions: Tensor) -> list[Measure]:
    """Recall at 1, 5 and 10, image to text and text to image.

    Candidates are the different captions, so equal captions cannot be confused with one another; a caption
    finds its image when it finds any of those that share it. Ties count against the model.

    Parameters
    ----------
    images : (N, D) tensor
        Unit embeddings.
    texts : (U, D) tensor
        Unit embeddings of the different captions of these images.
    captions : (N,) int64 tensor
        Number of each image's caption, 0 to U - 1.
    """
    similarity = images @ texts.T
    own = similarity.gather(1, captions.unsqueeze(1))
    image_ranks = (similarity >= own).sum(dim=1).cpu().numpy() - 1
    count, different = similarity.shape
    mine = F.one_hot(captions, different).bool()
    best = similarity.masked_fill(~mine, -torch.inf).amax(dim=0)
    text_ranks = ((similarity >= best) & ~mine).sum(dim=0).cpu().numpy()
    shared = np.bincount(captions.cpu().numpy(), minlength=different)
    measures = []
    for k in RANKS:
        chance = min(1.0, k / different)
        measures.append(Measure(f"image_to_text_r{k}", float((image_ranks < k).mean()), chance))
    for k in RANKS:
        missed = comb(count - shared, k) / comb(count, k) if k <= count else np.zeros(different)
        chance = float(1 - np.mean(missed))
        measures.append(Measure(f"text_to_image_r{k}", float((text_ranks < k).mean()), chance))
    return measures


def label_accuracy(images: Tensor, prompts: Tensor, labels: Tensor) -> Measure:
    """Share of images (N, D) whose label's prompt, of (L, D), is the most similar one."""
    right = (images @ prompts.T).argmax(dim=1) == labels
    return Measure("zero_shot_accuracy", right.double().mean().item(), 1 / len(prompts))

"""Validation and test pairs of one run, and what is measured on them."""

import numpy as np
import torch
from torch import Tensor

from fusionmedclip.randomness import generator
from fusionmedclip.training.pretrain.evaluate import (
    Measure,
    embed_images,
    label_accuracy,
    retrieval,
    validation_loss,
)
from fusionmedclip.training.pretrain.pairs import Pairs
from fusionmedclip.training.pretrain.pictures import Pictures, Prefetcher
from fusionmedclip.training.pretrain.settings import AugmentSettings, PretrainSettings
from fusionmedclip.training.pretrain.step import TrainStep

__all__ = ["Evaluation"]

_PLAIN = AugmentSettings(crop_scale=None)


class Evaluation:
    """Measures the tower of a training step on the validation and the test split.

    Parameters
    ----------
    step : TrainStep
        Whose backbone, texts and temperature are measured.
    pairs : Pairs
    prompts : (L, D) tensor
        Unit embeddings of the labels' prompts; L = 0 without labels.
    size : int
        Side of the images, pixels.
    """

    def __init__(self, step: TrainStep, pairs: Pairs, prompts: Tensor, size: int):
        self.step, self.pairs, self.prompts = step, pairs, prompts
        self.settings: PretrainSettings = step.settings
        cache = int(self.settings.cache_gib * 2**30)
        self._pictures = {
            name: Pictures(split.files, size=size, settings=_PLAIN, seed=step.seed, cache_bytes=cache)
            for name, split in pairs.splits.items()
            if name != "train"
        }

    def measure(self, split: str) -> list[Measure]:
        """Loss first, then retrieval, then zero-shot accuracy; empty where there is no such split."""
        if split not in self._pictures:
            return []
        part, texts = self.pairs.splits[split], self.step.texts
        images = self._embed(split)
        captions = torch.from_numpy(part.captions).to(texts.device)
        order = generator(self.step.seed, "pretrain evaluation", split).permutation(len(part))
        measures = [
            validation_loss(
                images,
                texts,
                captions,
                order=order,
                batch=self.settings.batch_size,
                temperature=self.step.temperature,
            )
        ]
        present, numbers = np.unique(part.captions, return_inverse=True)
        own = texts[torch.from_numpy(present).to(texts.device)]
        measures += retrieval(images, own, torch.from_numpy(numbers).to(texts.device))
        labelled = torch.from_numpy(part.labels).to(texts.device)
        if len(self.prompts) and (labelled >= 0).any():
            known = labelled >= 0
            measures.append(label_accuracy(images[known], self.prompts, labelled[known]))
        return measures

    def _embed(self, split: str) -> Tensor:
        world, size = self.step.world, self.settings.micro_batch or self.settings.batch_size
        count = len(self.pairs.splits[split])
        own = [(index,) for index in range(world.rank, count, world.size)]
        plan = [own[start : start + size] for start in range(0, len(own), size)]
        prefetcher = Prefetcher(workers=self.settings.workers, ahead=self.settings.prefetch)
        batches = prefetcher.batches(self._pictures[split].plain, plan)
        return embed_images(
            self.step.backbone, batches, count=count, world=world, precision=self.settings.precision
        )

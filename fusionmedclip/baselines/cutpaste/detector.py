"""CutPaste: a network that tells pasted patches and scars from normal images, and a Gaussian on its features.

Written from the paper (Li et al., CVPR 2021). The paper defines no pixel map, and neither does this.
"""

from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.baselines.cutpaste.density import GaussianDensity
from fusionmedclip.baselines.cutpaste.settings import CutPasteSettings
from fusionmedclip.baselines.cutpaste.views import paste_patch, paste_scar, shift_and_jitter
from fusionmedclip.baselines.made_anomalies import MadeAnomalies
from fusionmedclip.baselines.resizing import resize_images
from fusionmedclip.baselines.resuming import Resuming
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.baselines.training import batches, counted, key_gpu, keyed_torch, trainable_copy
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.batches import even_batches
from fusionmedclip.models.detector import Detector, Progress, Scores
from fusionmedclip.randomness import generator
from fusionmedclip.steps.ahead import Drawn
from fusionmedclip.steps.captured import captured, side_stream
from fusionmedclip.steps.optimisers import device_options, rate_of, step_at

__all__ = ["CutPaste"]


class CutPaste(Detector):
    """Self-supervised classification of normal and changed images, then the density of the features.

    Parameters
    ----------
    backbone : Backbone
        Where training starts; it is copied, not changed. The paper trains a ResNet-18 from random weights on
        hundreds of images; with a few, the protocol starts from ImageNet's.
    settings : CutPasteSettings, optional
    """

    needs_backbone = True

    def __init__(self, *, backbone: Backbone, settings: CutPasteSettings | None = None):
        self.settings = settings or CutPasteSettings()
        self.backbone = backbone
        self._layer = backbone.depth() if self.settings.layer is None else self.settings.layer
        self._network: Backbone | None = None
        self._density: GaussianDensity | None = None

    def fit(self, support: np.ndarray, *, seed: int = 0, progress: Progress | None = None) -> Self:
        """Train on (k, H, W) normal images, then fit the density to them."""
        images = resize_images(support, self.settings.image_size)
        network = trainable_copy(self.backbone).train()
        classifier = self._classifier(seed)
        self.trained = counted(tower=network.visual, classifier=classifier)
        self._train(network, classifier, images, seed=seed, progress=progress)
        self._network = network.eval().requires_grad_(False)
        self._density = GaussianDensity.fit(self._features(self._density_images(images, seed)))
        return self

    def _train(
        self,
        network: Backbone,
        classifier: nn.Module,
        images: np.ndarray,
        *,
        seed: int,
        progress: Progress | None,
    ) -> None:
        s, device = self.settings, self.backbone.mean.device
        parameters = [*network.parameters(), *classifier.parameters()]
        optimiser = torch.optim.SGD(
            parameters,
            s.learning_rate,
            momentum=s.momentum,
            weight_decay=s.weight_decay,
            **device_options(torch.optim.SGD, device),
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(s.steps, 1))
        made = None
        if s.synthesis is not None:
            made = MadeAnomalies(images, s.synthesis, seed=seed, purpose="cutpaste")

        def draw(step: int, rows: np.ndarray) -> Drawn:
            if made is None:
                return self._views(images[rows], seed, step)
            return self._made_views(images, made, rows, seed=seed, step=step)

        loop = Resuming({}, progress=progress, device=device)
        take = captured(partial(self._step, network, classifier, optimiser), device)
        with keyed_torch(seed, "cutpaste", "dropout"), side_stream(device):
            order = batches(len(images), s.train_batch, s.steps, seed, "cutpaste")
            for step, batch in loop.steps(order, draw):
                key_gpu(device, seed, "cutpaste", "dropout", step)
                loop.done(step, take(*batch, *rate_of(optimiser, device)))
                schedule.step()

    def _step(
        self,
        network: Backbone,
        classifier: nn.Module,
        optimiser: torch.optim.Optimizer,
        views: Tensor,
        labels: Tensor,
        *rate: Tensor,
    ) -> dict[str, Tensor]:
        loss = F.cross_entropy(classifier(self._pooled(network, views)), labels)
        optimiser.zero_grad()
        loss.backward()
        step_at(optimiser, *rate)
        return {"loss": loss.detach()}

    def _views(self, images: np.ndarray, seed: int, step: int) -> tuple[np.ndarray, Tensor]:
        """Normal, patch and scar views of (B, S, S) images: (3 B, S, S), and their classes 0, 1, 2."""
        views: list[list[np.ndarray]] = [[], [], []]
        for index, image in enumerate(images):
            rng = generator(seed, "cutpaste", "views", step, index)
            moved = shift_and_jitter(image, rng, self.settings)
            views[0].append(moved)
            views[1].append(paste_patch(moved, rng, self.settings))
            views[2].append(paste_scar(moved, rng, self.settings))
        return np.stack([*views[0], *views[1], *views[2]]), torch.arange(3).repeat_interleave(len(images))

    def _made_views(
        self, images: np.ndarray, made: MadeAnomalies, rows: np.ndarray, *, seed: int, step: int
    ) -> tuple[np.ndarray, Tensor]:
        """Normal views of some rows, then views with an anomaly of each family, and their classes 0, 1, ...

        All views of a row are moved and jittered alike, so that only the anomaly tells them apart.
        """
        views = []
        for family in (None, *made.families):
            for index, row in enumerate(rows):
                image = images[row] if family is None else made.of_family(family, step, int(row))
                rng = generator(seed, "cutpaste", "views", step, index)
                views.append(shift_and_jitter(image, rng, self.settings))
        return np.stack(views), torch.arange(1 + len(made.families)).repeat_interleave(len(rows))

    def _density_images(self, images: np.ndarray, seed: int) -> np.ndarray:
        extra = [
            shift_and_jitter(image, generator(seed, "cutpaste", "density", view, index), self.settings)
            for view in range(1, self.settings.density_views)
            for index, image in enumerate(images)
        ]
        return np.stack([*images, *extra])

    def _classifier(self, seed: int) -> nn.Sequential:
        s = self.settings
        classes = 3 if s.synthesis is None else 1 + len(s.synthesis.anomalous().families)
        widths = [self.backbone.channels([self._layer])[0], *s.head]
        layers: list[nn.Module] = []
        with keyed_torch(seed, "cutpaste", "classifier"):
            for before, after in pairwise(widths):
                layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]
            layers.append(nn.Linear(widths[-1], classes))
        return nn.Sequential(*layers).to(self.backbone.mean.device).train()

    def _pooled(self, network: Backbone, images: np.ndarray | Tensor) -> Tensor:
        return network.feature_maps(network.pixels(images), [self._layer])[0].mean(dim=(2, 3))

    @torch.inference_mode()
    def _features(self, images: np.ndarray) -> np.ndarray:
        """(N, D) unit features of (N, S, S) images."""
        network = fitted(self._network, "CutPaste")
        size = self.settings.batch_size
        parts = [self._pooled(network, batch)[:kept] for batch, kept in even_batches(images, size)]
        return F.normalize(torch.cat(parts), dim=1).cpu().numpy()

    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) images in [0, 1] by their energy under the density; no map."""
        density = fitted(self._density, "CutPaste")
        return Scores(density.energy(self._features(resize_images(images, self.settings.image_size))), None)

    def save(self, folder: Path) -> None:
        """Write the trained network and the density."""
        network = fitted(self._network, "CutPaste")
        save_tensors({**network.state_dict(), **fitted(self._density, "CutPaste").tensors()}, folder)

    def restore(self, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        tensors = load_tensors(folder)
        self._density = GaussianDensity.from_tensors(tensors)
        network = trainable_copy(self.backbone)
        network.load_state_dict({n: t for n, t in tensors.items() if not n.startswith("density.")})
        self._network = network.eval().requires_grad_(False)
        return self

"""One of our detectors as a model of anomalib, for its Engine, data modules and metrics.

anomalib is no dependency of ours: it is imported when a model is asked for.
"""

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fusionmedclip.errors import InputError
from fusionmedclip.luma import as_grey
from fusionmedclip.models.detector import Detector

__all__ = ["detector_module"]


def detector_module(detector: Detector, *, image_size: int = 224, seed: int = 0, **components: Any) -> Any:
    """A detector that anomalib fits on its training images and scores.

    Parameters
    ----------
    detector : Detector
        Any of ours; it sees grey or colour as it does in the workflow, in [0, 1] and not normalised before.
    image_size : int
        Side at which images are handed over, pixels.
    seed : int
        Of the fit.
    **components
        anomalib's own: ``post_processor``, ``evaluator``, ``visualizer``.

    Returns
    -------
    anomalib.models.components.AnomalibModule

    Raises
    ------
    InputError
        If anomalib is not installed.

    Examples
    --------
    >>> Engine().train(detector_module(create("contrast")), datamodule=MVTecAD(root))   # doctest: +SKIP
    """
    components.setdefault("pre_processor", _OurSide.configure_pre_processor((image_size, image_size)))
    return _module_class()(detector, seed, **components)


@cache
def _module_class() -> type:
    from anomalib.models.components import AnomalibModule, MemoryBankMixin

    return type("DetectorModule", (_OurSide, MemoryBankMixin, AnomalibModule), {})


class _OurSide:
    """What a detector adds to anomalib's classes, which stand behind it."""

    device: torch.device

    def __init__(self, detector: Detector, seed: int, **components: Any):
        super().__init__(**components)
        self.model = _Scored(detector)
        self._seed = seed

    @staticmethod
    def configure_pre_processor(image_size: tuple[int, int] | None = None) -> Any:
        """Resizing alone: our detectors normalise images themselves."""
        try:
            from anomalib.pre_processing import PreProcessor
        except ImportError as error:
            hint = "pip install anomalib, beside this package"
            raise InputError("anomalib is not installed", hint=hint) from error
        from torchvision.transforms.v2 import Resize

        return PreProcessor(transform=Resize(image_size or (224, 224), antialias=True))

    @staticmethod
    def configure_optimizers() -> None:
        """None: a detector trains itself, in ``fit``."""

    def training_step(self, batch: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Keep the images; anomalib calls ``fit`` after the last of them."""
        self.model.seen.append(batch.image.cpu())
        return torch.tensor(0.0, requires_grad=True, device=self.device)

    def fit(self) -> None:
        """Fit the detector on all training images."""
        images = self.model.images(torch.cat(self.model.seen))
        self.model.seen.clear()
        self.model.detector.fit(images, seed=self._seed)

    def validation_step(self, batch: Any, *args: Any, **kwargs: Any) -> Any:
        """Score a batch."""
        return batch.update(**self.model(batch.image)._asdict())

    @property
    def trainer_arguments(self) -> dict[str, Any]:
        """One pass over the images, on one device."""
        return {"max_epochs": 1, "num_sanity_val_steps": 0, "devices": 1}

    @property
    def learning_type(self) -> Any:
        """Normal images alone."""
        from anomalib import LearningType

        return LearningType.ONE_CLASS


class _Scored(nn.Module):
    def __init__(self, detector: Detector):
        super().__init__()
        self.detector = detector
        self.seen: list[Tensor] = []

    def images(self, batch: Tensor) -> np.ndarray:
        """(N, H, W) or (N, H, W, 3) float32 in [0, 1], as the detector takes them."""
        colour = np.ascontiguousarray(batch.cpu().numpy().transpose(0, 2, 3, 1), dtype=np.float32)
        return colour if self.detector.colour else as_grey(colour)

    def forward(self, batch: Tensor) -> Any:
        from anomalib.data import InferenceBatch

        found = self.detector.score(self.images(batch))
        maps = None if found.maps is None else torch.from_numpy(found.maps).to(batch.device)
        return InferenceBatch(
            pred_score=torch.from_numpy(found.scores.astype(np.float32)).to(batch.device), anomaly_map=maps
        )

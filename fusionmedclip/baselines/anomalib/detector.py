"""A model of anomalib as a detector: its own torch model and trainer, on our supports and images."""

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fusionmedclip.baselines.anomalib.settings import AnomalibModelSettings
from fusionmedclip.baselines.resizing import resize_maps
from fusionmedclip.baselines.tensors import fitted, load_tensors, save_tensors
from fusionmedclip.baselines.training import keyed_torch
from fusionmedclip.errors import InputError
from fusionmedclip.models.batches import even_batches
from fusionmedclip.models.detector import Detector, Progress, Scores, join

__all__ = ["AnomalibModel"]


class AnomalibModel(Detector):
    """What anomalib's torch model says before its post-processor, whose scale comes from validation images.

    anomalib is no dependency of ours: it is installed beside this package, ``pip install anomalib``.
    Official: Akcay et al., *Anomalib*, ICIP 2022.
    """

    colour = True
    needs_backbone = False
    settings: AnomalibModelSettings

    def __init__(self, *, settings: AnomalibModelSettings | None = None, device: str = "cpu"):
        self.settings = settings or AnomalibModelSettings()
        self.device = device
        self._module: Any = None

    def fit(self, support: np.ndarray, *, seed: int = 0, progress: Progress | None = None) -> Self:
        """Train on (k, H, W) or (k, H, W, 3) normal images as its Engine does, without validation images."""
        module = self._make(seed)
        with tempfile.TemporaryDirectory() as scratch, keyed_torch(seed, "anomalib", "training"):
            engine = _engine(scratch, self.device, self.settings.epochs)
            engine.fit(module, train_dataloaders=self._loader(_tensor(support), seed))
        groups = [group for optimiser in engine.trainer.optimizers for group in optimiser.param_groups]
        moved = {id(weight): weight.numel() for group in groups for weight in group["params"]}
        self.trained = {"model": sum(moved.values())} if moved else {}  # else a memory was filled
        self._module = module.eval().requires_grad_(False)
        if progress is not None:
            progress({"step": float(engine.trainer.global_step)})
        return self

    def score(self, images: np.ndarray) -> Scores:
        """Score (N, H, W) or (N, H, W, 3) float32 images in [0, 1]; maps come back at their size."""
        module = fitted(self._module, "anomalib's model").to(self.device)
        parts = []
        for batch, kept in even_batches(images, self.settings.train_batch):
            with torch.inference_mode():
                found = module.model(module.pre_processor(_tensor(batch).to(self.device)))
            maps: Any = getattr(found, "anomaly_map", None)
            scores = found.pred_score if found.pred_score is not None else maps.flatten(1).amax(1)
            drawn = None if maps is None else resize_maps(maps.flatten(0, -3), batch.shape[1:3])
            parts.append(Scores(scores.flatten().double().cpu().numpy(), drawn).first(kept))
        return join(parts)

    def save(self, folder: Path) -> None:
        """Write the torch model's tensors, memory banks among them."""
        save_tensors(_own(fitted(self._module, "anomalib's model").model.state_dict()), folder)

    def restore(self, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        module = self._make(0)
        module.model.load_state_dict(load_tensors(folder))
        self._module = module.eval().requires_grad_(False)
        return self

    def _make(self, seed: int) -> Any:
        models = _anomalib("models")
        cls = getattr(models, self.settings.model, None)
        if cls is None:
            known = ", ".join(sorted(name for name in models.__all__ if name[0].isupper()))
            raise InputError("no such model of anomalib", received=self.settings.model, allowed=known)
        side = (self.settings.image_size, self.settings.image_size)
        given = {"evaluator": False, "visualizer": False, "post_processor": False, **self.settings.arguments}
        given.setdefault("pre_processor", cls.configure_pre_processor(image_size=side))
        with keyed_torch(seed, "anomalib", "weights"):
            try:
                return cls(**given)
            except (TypeError, ValueError) as error:
                raise InputError(f"{self.settings.model} does not take these arguments ({error})") from error

    def _loader(self, images: Tensor, seed: int) -> DataLoader:
        data = _anomalib("data")
        items = [data.ImageItem(image=image, gt_label=torch.tensor(0)) for image in images]
        order = torch.Generator().manual_seed(seed)
        size, join_items = self.settings.train_batch, data.ImageBatch.collate
        return DataLoader(cast(Dataset, items), size, shuffle=True, generator=order, collate_fn=join_items)


def _anomalib(part: str) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):
            return __import__(f"anomalib.{part}", fromlist=[part])
    except ImportError as error:
        raise InputError(
            "anomalib is not installed", hint="pip install anomalib, beside this package"
        ) from error


def _engine(folder: str, device: str, epochs: int | None) -> Any:
    for name in ("lightning.pytorch", "lightning.fabric", "anomalib"):
        logging.getLogger(name).setLevel(logging.ERROR)
    asked = {} if epochs is None else {"max_epochs": epochs}
    return _anomalib("engine").Engine(
        default_root_dir=folder,
        accelerator="cpu" if device == "cpu" else "gpu",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        limit_val_batches=0,
        **asked,
    )


def _tensor(images: np.ndarray) -> Tensor:
    """(N, 3, H, W) in [0, 1]; grey stands in all three."""
    colour = images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=-1)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(colour, -1, 1), dtype=np.float32))


def _own(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Each tensor in storage of its own, as safetensors asks."""
    return {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}

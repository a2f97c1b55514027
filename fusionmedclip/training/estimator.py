"""FusionMedCLIP for users: fit on normal images, predict scores and maps, save, load."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import torch

from fusionmedclip.data.labels import normal_rows
from fusionmedclip.data.reading.images import load_images
from fusionmedclip.data.reading.settings import ImageSettings
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.digest import backbone_digest
from fusionmedclip.models.backbones.store import open_backbone
from fusionmedclip.models.detector import Progress
from fusionmedclip.models.device import torch_device
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.threads import torch_threads
from fusionmedclip.settings import build, plain
from fusionmedclip.synthesis import AnomalyStream
from fusionmedclip.training.fit import fit_model
from fusionmedclip.training.parameters import Parameters
from fusionmedclip.training.progress import training_bar
from fusionmedclip.training.saved import read_trained, write_trained
from fusionmedclip.training.saved_backbone import (
    backbone_record,
    not_its_backbone,
    plain_source,
    saved_sources,
)
from fusionmedclip.training.saved_record import read_record
from fusionmedclip.training.scorer import FusionScorer, Prediction
from fusionmedclip.training.settings import FusionSettings

__all__ = ["FusionMedCLIP", "Prediction"]


class FusionMedCLIP(Parameters, FusionScorer):
    """Few-shot anomaly detection by adapting CLIP, with scikit-learn's habits but for ``score``, which is
    :class:`Detector`'s.

    Parameters
    ----------
    backbone : Backbone, path or mapping
        A backbone, a folder that holds one, or :class:`BackboneSettings` as a mapping.
    settings : FusionSettings or mapping
    images : ImageSettings or mapping
        How support and test images are brought to the working size.
    device : str
        Where to compute.
    batch_size : int
        Images scored at a time.
    threads : int, optional
        Compute threads of torch; None: those of the process.

    Examples
    --------
    >>> model = FusionMedCLIP(backbone="results/backbones/roco_clip")        # doctest: +SKIP
    >>> result = model.fit(["a.png", "b.dcm"]).predict(["c.png"])            # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        backbone: Backbone | str | Path | Mapping[str, Any],
        settings: FusionSettings | Mapping[str, Any] | None = None,
        images: ImageSettings | Mapping[str, Any] | None = None,
        device: str = "cpu",
        batch_size: int = 8,
        threads: int | None = None,
    ):
        self._keep(locals())
        self.settings = build(FusionSettings, settings)
        self.images = build(ImageSettings, images, where="images")
        self.backbone_source = plain_source(backbone)
        self.backbone = open_backbone(backbone)
        self.backbone_digest = backbone_digest(self.backbone)  # before anything is adapted in place
        self.backbone.to(device)
        self.batch_size, self.threads = batch_size, threads
        self.model: FusionModel | None = None
        self.seed = 0

    @classmethod
    def from_config(
        cls,
        config: str | Path | Sequence[str | Path] = (),
        *,
        preset: str | None = None,
        method: str = "fusionmedclip",
        device: str | None = None,
    ) -> Self:
        """Model of one method of a configuration, over the backbone that the workflow made for it.

        Parameters
        ----------
        config : path or sequence of paths
            Merged over the packaged protocol; see :func:`fusionmedclip.config.load_config`.
        preset : str, optional
            An overlay that comes with the package, such as ``"offline"``.
        method : str
            One of kind ``fusionmedclip``.
        device : str, optional
            In place of the configuration's; see :func:`fusionmedclip.models.device.torch_device`.
        """
        from fusionmedclip.config import load_config

        resolved = load_config(config, preset=preset)
        entry = resolved.method(method)
        if entry.get("kind") != "fusionmedclip":
            ours = [
                name for name in resolved.data["methods"] if resolved.method(name)["kind"] == "fusionmedclip"
            ]
            hint = "baselines: fusionmedclip.baselines.create"
            raise InputError(f"method {method} is none of this model", allowed=", ".join(ours), hint=hint)
        return cls(
            backbone=resolved.backbone_source(entry["backbone"]),
            settings=entry["settings"],
            images=resolved.data["images"],
            device=torch_device(device or resolved.data["device"]),
            threads=resolved.data["threads"],
        )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters as they were given; not where that is a backbone which was adapted in place since."""
        if self._is_adapted() and isinstance(self._given["backbone"], Backbone):
            hint = "give the backbone as a path or a mapping"
            raise InputError("this model adapted the backbone that it was given", hint=hint)
        return super().get_params(deep)

    def fit(
        self,
        support: Any,
        y: Any = None,
        *,
        seed: int = 0,
        progress: Progress | None = None,
        on_epoch: Callable[[int, Self], None] | None = None,
    ) -> Self:
        """Learn from k normal images.

        Parameters
        ----------
        support : sequence of paths, or array (N, H, W) or (N, H, W, 3)
        y : (N,) array, optional
            0: normal; images of another label are left out.
        seed : int
        progress : callable, optional
            Called after each step, in place of the bar that a terminal shows.
        on_epoch : callable, optional
            Called after each epoch with its number and this model, ready to score; see
            :func:`fusionmedclip.training.fit.fit_model` for what it is for, and what it is not.
        """
        images = load_images(support, self.image_size, form=self.images)
        images = images[normal_rows(y, len(images))]
        model = self._make(seed)
        stream = AnomalyStream(images, self.settings.synthesis, seed=seed)
        visit = None if on_epoch is None else lambda epoch, _model: on_epoch(epoch, self)
        with ExitStack() as stack:
            stack.enter_context(torch_threads(self.threads))
            fit_model(
                model,
                stream,
                k=len(images),
                loss=self.settings.loss,
                optimiser=self.settings.optimiser,
                precision=self.settings.precision,
                capture=self.settings.capture,
                seed=seed,
                progress=progress or stack.enter_context(training_bar()),
                on_epoch=visit,
            )
        return self

    def _make(self, seed: int) -> FusionModel:
        if self._is_adapted():
            raise InputError(
                "this model adapted its backbone in place and cannot be fitted again", hint="make a new one"
            )
        self.seed = seed
        self.model = FusionModel(self.backbone, self.settings.model, seed=seed)
        return self.model

    def _is_adapted(self) -> bool:
        """Whether the backbone is no longer the one that was given."""
        return self.model is not None and self.settings.model.lora is not None

    def save(self, folder: Path | str) -> None:
        """Write what was trained (``weights.safetensors``) and the settings (``model.json``)."""
        backbone = backbone_record(self.backbone_source, self.backbone_digest, Path(folder))
        kept = {"settings": plain(self.settings), "images": plain(self.images), "seed": self.seed}
        kept |= {"backbone": backbone, "threads": self.threads}
        write_trained(Path(folder), self._trained(), kept)

    def restore(self, folder: Path | str) -> Self:
        """Read weights that :meth:`save` wrote into a model made with the same settings.

        Raises
        ------
        InputError
            If the folder holds no model, or one of other settings or of another backbone.
        """
        record = read_record(Path(folder))
        if record["backbone"]["digest"] != self.backbone_digest:
            raise InputError(f"{folder}: fitted on another backbone than this one; scores would mean nothing")
        model = self._make(record["seed"])
        read_trained(Path(folder), self._trained())
        model.eval()
        return self

    def _trained(self) -> dict[str, torch.nn.Parameter]:
        return {n: p for parameters in self._fitted().components().values() for n, p in parameters.items()}

    @classmethod
    def load(
        cls,
        folder: Path | str,
        *,
        backbone: Backbone | str | Path | Mapping[str, Any] | None = None,
        device: str = "cpu",
    ) -> Self:
        """Model from a folder that :meth:`save` wrote.

        Parameters
        ----------
        folder : path
        backbone : Backbone, path or mapping, optional
            Where the frozen weights are now; None looks where they were, as seen from the folder of the model
            and as they were given.
        device : str

        Raises
        ------
        InputError
            If the folder holds no model, a broken one or one of another version; if its backbone is not found
            or has other weights than it had.
        """
        folder = Path(folder)
        with reading(folder, "saved model", hint="fit it again"):
            record = read_record(folder)
            if (kind := record.get("kind", "fusionmedclip")) != "fusionmedclip":
                hint = "fusionmedclip.lab.AnomalyDetector.load(folder)"
                raise InputError(f"{folder}: holds another method", received=kind, hint=hint)
            settings, others = build(FusionSettings, record["settings"]), {}
            images = build(ImageSettings, record.get("images"), where="images")
            threads = record.get("threads")
            sources = list(saved_sources(folder, record["backbone"], backbone))
        for source in sources:
            model = cls(backbone=source, settings=settings, images=images, device=device, threads=threads)
            if model.backbone_digest == record["backbone"]["digest"]:
                return model.restore(folder)
            others[model.backbone_digest] = model.backbone_source
        raise not_its_backbone(folder, record["backbone"], others)

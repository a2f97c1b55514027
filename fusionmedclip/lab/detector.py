"""Any method of a configuration as one estimator, which knows what it rests on."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from fusionmedclip.config import load_config
from fusionmedclip.data.reading.images import load_images
from fusionmedclip.errors import InputError
from fusionmedclip.lab.fitted_on import warn_of_fitted
from fusionmedclip.lab.frozen import open_frozen
from fusionmedclip.lab.given import check_parameters, check_pictures
from fusionmedclip.lab.left_out import LeftOut, Maps, leave_out, map_record
from fusionmedclip.lab.making import fit_detector
from fusionmedclip.lab.model_record import model_digest, read_model
from fusionmedclip.lab.progress import Stage, stages
from fusionmedclip.lab.recipe import Recipe, recipe_of
from fusionmedclip.lab.saved import open_saved_backbone, recipe_in, restored, write_model
from fusionmedclip.lab.scoring import BATCH, score_slices
from fusionmedclip.lab.standing import Standing, standing
from fusionmedclip.lab.support import Support, pictures_given, read_support
from fusionmedclip.metrics import image_auroc
from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.detector import Detector, Scores
from fusionmedclip.models.device import torch_device
from fusionmedclip.models.threads import torch_threads
from fusionmedclip.provenance import environment, file_sha256
from fusionmedclip.training.saved import read_weights
from fusionmedclip.training.saved_record import check_place
from fusionmedclip.turns import alone_in

__all__ = ["AnomalyDetector"]

_KEPT = ("seed", "batch_size", "rule", "slices", "preset", "luma", "folds", "false_positive_rate")
"""Parameters that a saved model's record holds as they were given."""


class AnomalyDetector(BaseEstimator):
    """A method of a configuration over its backbone, with scikit-learn's habits.

    Parameters
    ----------
    method : str
        Name in the configuration: ``fusionmedclip``, ``patchcore``, ``simplenet`` and so on.
    preset : str, optional
        Overlay that comes with the package, such as ``"offline"``; see :mod:`fusionmedclip.presets`.
    config : path or sequence of paths
        Merged over the packaged protocol and the preset.
    device : {"auto", "cpu", "cuda"}, optional
        In place of the configuration's.
    seed : int
    folds : int
        Parts of the support set that are left out in turn, for thresholds and figures; 0: none.
    false_positive_rate : float
        Wanted share of normal images above the threshold, in (0, 1).
    rule : {"max", "top", "mean"}
        How the scores of slices make that of a volume.
    slices : int
        Slices of each volume that are fitted on, evenly spaced; 0: all.
    half : bool
        Keep weights, frozen and learnt, in half precision.
    batch_size : int
        Slices scored at a time.
    luma : bool
        Take the luma of pictures in colour without asking (:mod:`fusionmedclip.lab.colours`).
    recipe : Recipe, optional
        In place of a configuration: what a loaded model was made from, so that its clone is fitted alike.

    Attributes
    ----------
    record_ : dict
        What a saved model says of itself: settings, backbone, left-out scores, what it rests on.

    Examples
    --------
    >>> model = AnomalyDetector("patchcore", preset="offline").fit("normals")        # doctest: +SKIP
    >>> model.predict("scan.png").scores                                             # doctest: +SKIP
    """

    def __init__(
        self,
        method: str = "fusionmedclip",
        *,
        preset: str | None = None,
        config: str | Path | Sequence[str | Path] = (),
        device: str | None = None,
        seed: int = 0,
        folds: int = 4,
        false_positive_rate: float = 0.05,
        rule: str = "max",
        slices: int = 8,
        half: bool = False,
        batch_size: int = BATCH,
        luma: bool = False,
        recipe: Recipe | None = None,
    ):
        self.method = method
        self.preset = preset
        self.config = config
        self.device = device
        self.seed = seed
        self.folds = folds
        self.false_positive_rate = false_positive_rate
        self.rule = rule
        self.slices = slices
        self.half = half
        self.batch_size = batch_size
        self.luma = luma
        self.recipe = recipe

    def fit(self, X: Any, y: Any = None, *, progress: Callable[[str], Stage] | None = None) -> Self:
        """Learn from normal images.

        Parameters
        ----------
        X : paths, or array (N, H, W) or (N, H, W, 3)
            Files, folders, or pictures as :func:`fusionmedclip.data.load_images` takes them.
        y : (N,) array, optional
            0: normal. Images of another label are left out, as scikit-learn's cross-validation needs.
        progress : callable, optional
            Gives a reporter for each stage; by default :func:`fusionmedclip.lab.progress.stages`.
        """
        recipe = self._checked_recipe()
        support, files = read_support(X, y, recipe, most=self.slices, luma=self.luma)
        backbone = open_frozen(recipe)
        report = progress or stages()
        with torch_threads(recipe.threads):
            detector = self._fitted_detector(recipe, backbone, support, report)
            left_out = self._left_out(recipe, backbone, support, report)
            facts = self._facts(recipe, detector, support, files, left_out)
        self.recipe_, self.detector_, self.left_out_ = recipe, detector, left_out
        with TemporaryDirectory() as scratch:  # what is saved is what scores: rounded, where it is to be
            self.record_ = write_model(Path(scratch), recipe, detector, facts)
            if recipe.half:
                self.detector_ = restored(recipe, backbone, Path(scratch))
        return self

    def _checked_recipe(self) -> Recipe:
        check_parameters(self.get_params(deep=False))
        if self.recipe is None:
            config = load_config(self.config, preset=self.preset)
            recipe = recipe_of(config, self.method, device=self.device, half=self.half)
            return replace(recipe, device=torch_device(recipe.device))
        if self.method != self.recipe.method:
            raise InputError(
                "a loaded model is of one method",
                received=self.method,
                allowed=self.recipe.method,
                hint="AnomalyDetector(method, preset=...) makes another",
            )
        return replace(self.recipe, device=torch_device(self.device or "cpu"), half=self.half)

    def _fitted_detector(
        self, recipe: Recipe, backbone: Backbone | None, support: Support, report: Callable[[str], Stage]
    ) -> Detector:
        images = support.images(np.arange(len(support)))
        stage = report(f"fitting {recipe.method}")
        return fit_detector(recipe, backbone, images, seed=self.seed, stage=stage)

    def _left_out(
        self, recipe: Recipe, backbone: Backbone | None, support: Support, report: Callable[[str], Stage]
    ) -> LeftOut | None:
        folds = min(self.folds, len(support))
        if folds < 2:
            return None
        names = iter(f"{recipe.method} without part {n + 1} of {folds}" for n in range(folds))
        return leave_out(
            support,
            fit=lambda images: fit_detector(
                recipe, backbone, images, seed=self.seed, stage=report(next(names))
            ),
            folds=folds,
            rule=self.rule,
            seed=self.seed,
            batch_size=self.batch_size,
        )

    def _facts(
        self,
        recipe: Recipe,
        detector: Detector,
        support: Support,
        files: list[Path],
        left_out: LeftOut | None,
    ) -> dict[str, Any]:
        rate = self.false_positive_rate
        maps = [] if left_out is None else left_out.maps
        if left_out is None:  # then those of the images that it was fitted on, and the record says so
            for slices in support.slices:
                maps += Maps.of(score_slices(detector, slices, self.batch_size))
        return {
            **{name: getattr(self, name) for name in _KEPT},
            "support": {**support.counts(), "sha256": sorted(file_sha256(file) for file in files)},
            "left_out": None if left_out is None else left_out.record(rate),
            "maps": map_record(maps, left_out=left_out is not None, false_positive_rate=rate),
            "environment": environment(device=recipe.device),
        }

    def score_working(self, images: np.ndarray) -> Scores:
        """Score (N, S, S) or (N, S, S, 3) float32 images in [0, 1], at the working size already."""
        self.check_fitted()
        recipe = self.recipe_
        precision = recipe.settings.get("precision", "float32")
        with torch_threads(recipe.threads), arithmetic(recipe.device, precision=precision):
            return score_slices(self.detector_, images, self.batch_size)

    def predict(self, X: Any) -> Scores:
        """Scores (N,) and maps (N, S, S), or None, of pictures given as paths or arrays.

        A folder stands for all pictures below it, in order of their paths. Files that the model was fitted on
        are warned of.

        Raises
        ------
        InputError
            Also for pictures in colour where the model sees grey and ``luma`` is false, and for a file of
            several slices: :func:`fusionmedclip.lab.predict.score_inputs` scores volumes, and
            ``"scan.nii.gz#slice=0012"`` names one slice.
        """
        self.check_fitted()
        X, form = pictures_given(X), self.recipe_.images
        working = load_images(X, self.recipe_.image_size, form=form)
        check_pictures(X, luma=self.luma or form.colour)
        warn_of_fitted(self.record_, X)
        return self.score_working(working)

    def score_samples(self, X: Any) -> np.ndarray:
        """(N,) scores, higher where more anomalous, as everywhere in this package."""
        return self.predict(X).scores

    def decision_function(self, X: Any) -> np.ndarray:
        """(N,) scores less the threshold of the left-out support images: above 0 where flagged."""
        kept = (self.record_["left_out"] or {}).get("pictures", {}).get("threshold")
        if kept is None:
            hint = "fit it with two folds or more, of two images or more; score_samples(X) needs none"
            raise InputError("this model has no threshold", hint=hint)
        return self.score_samples(X) - kept

    def score(self, X: Any, y: Any) -> float:
        """AUROC of the scores against labels, 0: normal; what scikit-learn's searches go by."""
        return image_auroc(y, self.score_samples(X))

    def standing(self, score: float, *, volume: bool = False) -> Standing:
        """Percentile and flag of a score against left-out support scores."""
        return standing(score, self.record_["left_out"], "volumes" if volume else "pictures")

    def save(self, folder: Path | str, *, self_contained: bool = False) -> None:
        """Write weights, record and card; with ``self_contained`` the backbone as well.

        Raises
        ------
        InputError
            If the folder is none, or holds anything but a saved model.
        """
        from fusionmedclip.lab.card import write_card

        self.check_fitted()
        check_place(Path(folder))
        facts = {k: v for k, v in self.record_.items() if k not in ("weights", "format", "backbone")}
        with alone_in(Path(folder)):
            self.record_ = write_model(
                Path(folder), self.recipe_, self.detector_, facts, self_contained=self_contained
            )
            write_card(Path(folder), self.record_)

    @classmethod
    def load(cls, folder: Path | str, *, backbone: Any = None, device: str = "cpu") -> Self:
        """Model from a folder that :meth:`save` wrote; ``backbone`` says where the frozen weights are now."""
        folder = Path(folder)
        record = read_model(folder)
        read_weights(folder)  # whole, and those of the record
        recipe = recipe_in(record, device=torch_device(device))
        found = open_saved_backbone(folder, record, backbone)
        opened, source = found or (None, None)
        recipe = replace(recipe, backbone=source)
        kept = {name: record[name] for name in (*_KEPT, "half") if name in record}
        model = cls(record["method"], device=device, recipe=recipe, **kept)
        model.recipe_ = recipe
        model.detector_ = restored(recipe, opened, folder)
        model.record_, model.left_out_ = record, None
        return model

    @property
    def digest_(self) -> str:
        """Of all that decides a score."""
        return model_digest(self.record_)

    def check_fitted(self) -> None:
        """Refuse a model that was not fitted."""
        if not hasattr(self, "detector_"):
            raise InputError(
                "this model was not fitted", hint="call fit(normals), or AnomalyDetector.load(folder)"
            )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "detector_")

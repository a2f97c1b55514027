"""One fit of a recipe: deterministic kernels where the device has them, in the method's own precision."""

import numpy as np

from fusionmedclip.lab.frozen import make_detector
from fusionmedclip.lab.progress import Stage
from fusionmedclip.lab.recipe import Recipe
from fusionmedclip.lab.scoring import seen_by
from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.detector import Detector

__all__ = ["fit_detector"]


def fit_detector(
    recipe: Recipe, backbone: Backbone | None, images: np.ndarray, *, seed: int, stage: Stage
) -> Detector:
    """Fit a new detector on (k, S, S) or (k, S, S, 3) images.

    On a GPU, deterministic kernels need a variable that is set before Python starts
    (:mod:`fusionmedclip.models.arithmetic`): they are left as they are there.
    """
    detector = make_detector(recipe, backbone)
    precision = recipe.settings.get("precision", "float32")
    deterministic = True if recipe.device == "cpu" else None
    with arithmetic(recipe.device, precision=precision, deterministic=deterministic), stage as progress:
        return detector.fit(seen_by(detector, images), seed=seed, progress=progress)

"""Several methods on one's own images: how well each tells what is abnormal, and what can be told apart."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from fusionmedclip.config import Config
from fusionmedclip.data.reading.recombine import reduce_scores
from fusionmedclip.errors import InputError
from fusionmedclip.lab.frozen import open_frozen
from fusionmedclip.lab.given import check_parameters
from fusionmedclip.lab.inputs import Input
from fusionmedclip.lab.left_out import LeftOut, leave_out
from fusionmedclip.lab.making import fit_detector
from fusionmedclip.lab.progress import Stage, stages
from fusionmedclip.lab.recipe import Recipe, recipe_of
from fusionmedclip.lab.requests import check_compared
from fusionmedclip.lab.scoring import score_slices
from fusionmedclip.lab.support import Support, read_support
from fusionmedclip.metrics import Comparison, DeLong, Interval, holm
from fusionmedclip.metrics.delong import components_interval
from fusionmedclip.metrics.intervals import compare
from fusionmedclip.models.detector import Detector
from fusionmedclip.models.device import torch_device
from fusionmedclip.models.threads import torch_threads

__all__ = ["Compared", "Pair", "compare_methods"]


class Pair(NamedTuple):
    """Two methods on the same images."""

    first: str
    second: str
    difference: Comparison
    p_value: float | None


@dataclass(frozen=True)
class Compared:
    """What a comparison found.

    Attributes
    ----------
    recipes : dict of str to Recipe
    aurocs : dict of str to Interval
        The highest first.
    pairs : list of Pair
        All of them; p-values corrected for their number (Holm).
    normal, abnormal : int
        Inputs of each kind.
    made : bool
        Whether the abnormal ones are anomalies made into left-out normal ones.
    folds : int
    notes : tuple of str
        What has to be known of the inputs, with their places.
    """

    recipes: dict[str, Recipe]
    aurocs: dict[str, Interval]
    pairs: list[Pair]
    normal: int
    abnormal: int
    made: bool
    folds: int
    notes: tuple[str, ...] = ()


def compare_methods(
    config: Config,
    methods: Sequence[str],
    normals: Sequence[Input],
    abnormals: Sequence[Input] = (),
    *,
    folds: int = 4,
    slices: int = 8,
    rule: str = "max",
    seed: int = 0,
    device: str | None = None,
    luma: bool = False,
    progress: Callable[[str], Stage] | None = None,
) -> Compared:
    """Fit each method without each part of the normals, and score that part and what is abnormal.

    A normal input is scored by the one model that was fitted without it, an abnormal one by every model, and
    the two are compared within a model alone. Without abnormal inputs anomalies are made into the left-out
    ones; all methods see the same.

    Parameters
    ----------
    config : Config
    methods : sequence of str
    normals, abnormals : sequence of Input
    folds, slices, rule, seed, luma
        See :class:`fusionmedclip.lab.AnomalyDetector`.
    device : str, optional
    progress : callable, optional
        Gives a reporter for each fit.

    Raises
    ------
    InputError
        If there are fewer than two inputs of a kind, or a method cannot be made.
    """
    if not methods:
        raise InputError("no methods to compare", allowed=", ".join(config.data["methods"]))
    check_parameters({"folds": folds, "slices": slices, "rule": rule, "seed": seed})
    check_compared(normals, abnormals)
    recipes = {name: _recipe(config, name, device) for name in dict.fromkeys(methods)}
    one = next(iter(recipes.values()))
    support, _ = read_support(normals, None, one, most=slices, luma=luma)
    others = read_support(abnormals, None, one, luma=luma)[0] if abnormals else Support([])
    normal_at, abnormal_at = support.places_by_pixels(), others.places_by_pixels()
    if both := [pixels for pixels in normal_at if pixels in abnormal_at]:
        first = f"{normal_at[both[0]]} and {abnormal_at[both[0]]}"
        raise InputError(
            "given as normal and as abnormal: images with the same pixels",
            received=f"{len(both)} images in both, first {first}",
            hint="take copies out of one",
        )
    if len(support) < 2:
        raise InputError("too few images to compare methods on", received="copies of one normal image")
    unseen = others.slices
    report = progress or stages()
    found = {
        name: _components(recipe, support, unseen, folds=folds, rule=rule, seed=seed, report=report)
        for name, recipe in recipes.items()
    }
    aurocs = {name: components_interval(each) for name, each in found.items()}
    ordered = sorted(found, key=lambda name: -aurocs[name].estimate)
    return Compared(
        recipes,
        {name: aurocs[name] for name in ordered},
        _pairs({name: found[name] for name in ordered}),
        len(support),
        len(unseen) or len(support),
        not unseen,
        min(folds, len(support)),
        (*support.notes, *others.notes),
    )


def _recipe(config: Config, method: str, device: str | None) -> Recipe:
    recipe = recipe_of(config, method, device=device)
    return replace(recipe, device=torch_device(recipe.device))


def _components(
    recipe: Recipe,
    support: Support,
    unseen: Sequence[np.ndarray],
    *,
    folds: int,
    rule: str,
    seed: int,
    report: Callable[[str], Stage],
) -> DeLong:
    """Of every pair of a normal and an abnormal input, whether the abnormal one scores higher."""
    backbone = open_frozen(recipe)
    numbers = iter(range(1, folds + 1))
    of_unseen: list[np.ndarray] = []

    def fit(images: np.ndarray) -> Detector:
        stage = report(f"{recipe.method} without part {next(numbers)} of {min(folds, len(support))}")
        detector = fit_detector(recipe, backbone, images, seed=seed, stage=stage)
        scores = [reduce_scores(score_slices(detector, each).scores, rule) for each in unseen]
        of_unseen.append(np.array(scores, float))
        return detector

    with torch_threads(recipe.threads):
        left_out = leave_out(support, fit=fit, folds=folds, rule=rule, seed=seed)
    return _wins(left_out, of_unseen)


def _wins(left_out: LeftOut, of_unseen: Sequence[np.ndarray]) -> DeLong:
    if len(of_unseen[0]):
        normal = np.array([reduce_scores(scores, left_out.rule) for scores in left_out.pictures])
        fold = np.arange(len(normal)) % left_out.folds
        abnormal = np.stack(of_unseen)[fold]
    elif left_out.made is None:
        raise InputError("no anomalies can be made at this size", hint="give a folder of abnormal images")
    else:
        normal, abnormal = left_out.middle, np.tile(left_out.made, (len(left_out.middle), 1))
    wins = (abnormal > normal[:, None]) + 0.5 * (abnormal == normal[:, None])
    return DeLong(wins.mean(axis=0)[None], wins.mean(axis=1)[None])


def _pairs(found: Mapping[str, DeLong]) -> list[Pair]:
    names = list(combinations(found, 2))
    differences = []
    for first, second in names:
        parts = found[first].minus(found[second])
        error = math.sqrt(max(float(parts.covariance[0, 0]), 0.0))
        differences.append(compare(float(parts.aurocs[0]), error, level=0.95))
    known = [each.p_value for each in differences if each.p_value is not None]
    corrected: list[Any] = list(holm(known)) if known else []
    values = iter(corrected)
    return [
        Pair(*pair, each, None if each.p_value is None else float(next(values)))
        for pair, each in zip(names, differences, strict=True)
    ]

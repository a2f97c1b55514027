"""A model folder: safetensors, a JSON record of all that decides a score, perhaps the backbone."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file

from fusionmedclip.data.reading.settings import ImageSettings
from fusionmedclip.documents import read_json
from fusionmedclip.guard import reading
from fusionmedclip.lab.frozen import make_detector, open_frozen, rounded
from fusionmedclip.lab.recipe import Recipe
from fusionmedclip.models.arithmetic import check_arithmetic
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.digest import backbone_digest
from fusionmedclip.models.backbones.store import SETTINGS, BackboneSettings, open_backbone, save_backbone
from fusionmedclip.models.backbones.store import WEIGHTS as BACKBONE_WEIGHTS
from fusionmedclip.models.backbones.weight_files import write_safetensors
from fusionmedclip.models.detector import Detector
from fusionmedclip.outputs import remove_attempts, whole_folder
from fusionmedclip.settings import build, plain
from fusionmedclip.training.saved import write_trained
from fusionmedclip.training.saved_backbone import (
    backbone_record,
    not_its_backbone,
    plain_source,
    saved_sources,
)
from fusionmedclip.training.saved_record import CARD, OWN_BACKBONE, RECORD, WEIGHTS, read_record

__all__ = ["open_saved_backbone", "recipe_in", "restored", "write_model"]

_LARGEST = torch.finfo(torch.float16).max


def learnt(detector: Detector, *, half: bool) -> dict[str, torch.Tensor]:
    """What a detector learnt, by name; with ``half`` as half precision, where its range holds the values."""
    with tempfile.TemporaryDirectory() as scratch:
        detector.save(Path(scratch))
        tensors = load_file(Path(scratch) / WEIGHTS) if (Path(scratch) / WEIGHTS).is_file() else {}
    return {name: _halved(tensor) if half else tensor for name, tensor in tensors.items()}


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point() or not tensor.numel() or tensor.abs().max() > _LARGEST:
        return tensor
    return tensor.half()


def write_model(
    folder: Path,
    recipe: Recipe,
    detector: Detector,
    facts: Mapping[str, Any],
    *,
    self_contained: bool = False,
) -> dict[str, Any]:
    """Write a fitted detector and its record.

    Parameters
    ----------
    folder : Path
        In which nobody else writes: what a killed call had half written there goes.
    recipe : Recipe
    detector : Detector
    facts : mapping
        ``seed``, and whatever else the record shall say.
    self_contained : bool
        Put the backbone itself into the folder.

    Returns
    -------
    dict
        The record, as it can be read back.
    """
    for name in (WEIGHTS, RECORD, CARD, OWN_BACKBONE):
        remove_attempts(folder / name)
    own = folder / OWN_BACKBONE
    holds_it = self_contained and recipe.backbone is not None
    # The backbone takes its place after the record, by which a folder is known as a model's.
    with whole_folder(own) if holds_it else nullcontext() as begun:
        backbone: dict[str, Any] = {}
        if recipe.backbone is not None:
            frozen = cast(Backbone, open_frozen(recipe))
            source = plain_source(recipe.backbone)
            if begun is not None:
                _write_backbone(recipe, frozen, begun)
                source = str(folder.resolve() / OWN_BACKBONE)
            backbone = backbone_record(source, backbone_digest(frozen), folder)
        write_trained(folder, learnt(detector, half=recipe.half), _record(recipe, facts, backbone))
    if not holds_it:
        shutil.rmtree(own, ignore_errors=True)
    return read_record(folder)


def _record(recipe: Recipe, facts: Mapping[str, Any], backbone: Mapping[str, Any]) -> dict[str, Any]:
    record = {
        **facts,
        "kind": recipe.kind,
        "method": recipe.method,
        "title": recipe.title,
        "settings": plain(recipe.settings),
        "images": plain(recipe.images),
        "image_size": recipe.image_size,
        "threads": recipe.threads,
        "half": recipe.half,
        "rests_on": recipe.rests_on,
        "stand_in": recipe.stand_in,
        "backbone": backbone,
    }
    return json.loads(json.dumps(record))


def _write_backbone(recipe: Recipe, frozen: Backbone, folder: Path) -> None:
    if isinstance(recipe.backbone, Mapping):
        kept = dict(recipe.backbone)
    else:
        names = {field.name for field in fields(BackboneSettings)}
        read = read_json(Path(str(recipe.backbone)) / SETTINGS)
        kept = {name: value for name, value in read.items() if name in names}
    save_backbone(frozen, folder, build(BackboneSettings, kept, where="backbone"))
    if recipe.half:
        path = folder / BACKBONE_WEIGHTS
        write_safetensors({n: _halved(t) for n, t in load_file(path).items()}, path)


def recipe_in(record: Mapping[str, Any], *, device: str) -> Recipe:
    """The recipe of a saved model, where its backbone lies left open.

    Raises
    ------
    InputError
        Where the device cannot compute in the precision that the model was fitted in.
    """
    check_arithmetic(device, precision=record["settings"].get("precision", "float32"))
    with reading("model.json", "saved model", hint="fit it again"):
        return Recipe(
            **{name: record[name] for name in ("method", "kind", "title", "settings", "image_size")},
            backbone=None,
            images=build(ImageSettings, record["images"], where="images"),
            threads=record["threads"],
            device=device,
            half=record["half"],
            rests_on=record["rests_on"],
            stand_in=record["stand_in"],
        )


def restored(recipe: Recipe, backbone: Backbone | None, folder: Path) -> Detector:
    """What a model folder learnt, ready to score; of settings that are no longer allowed, an InputError."""
    with reading(folder / RECORD, "saved model", hint="fit it again"):
        detector = make_detector(recipe, backbone)
    return detector.restore(folder)


def open_saved_backbone(folder: Path, record: Mapping[str, Any], given: Any) -> tuple[Backbone, Any] | None:
    """The backbone of a saved model, and where it was found; None for a method without.

    Raises
    ------
    InputError
        If it is not found, or has other weights than it had.
    """
    if not record["backbone"]:
        return None
    others = {}
    for source in saved_sources(folder, record["backbone"], given):
        backbone = rounded(open_backbone(source), half=record["half"])
        found = backbone_digest(backbone)
        if found == record["backbone"]["digest"]:
            return backbone, source
        others[found] = plain_source(source)
    raise not_its_backbone(folder, record["backbone"], others)

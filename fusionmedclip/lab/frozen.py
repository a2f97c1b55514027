"""A recipe's backbone, and a detector over it."""

import copy

import torch

from fusionmedclip.lab.recipe import Recipe
from fusionmedclip.methods import make_method
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import open_backbone
from fusionmedclip.models.detector import Detector
from fusionmedclip.settings import plain

__all__ = ["make_detector", "open_frozen", "rounded"]


def rounded(backbone: Backbone, *, half: bool) -> Backbone:
    """A backbone, its weights rounded to what half precision keeps of them."""
    if half:
        network = backbone.visual if backbone.clip_model is None else backbone.clip_model
        with torch.no_grad():
            for tensor in network.state_dict().values():
                if tensor.is_floating_point():
                    tensor.copy_(tensor.half())
    return backbone


def open_frozen(recipe: Recipe) -> Backbone | None:
    """The backbone of a recipe, as nothing has adapted it; None for a method without."""
    return None if recipe.backbone is None else rounded(open_backbone(recipe.backbone), half=recipe.half)


def make_detector(recipe: Recipe, backbone: Backbone | None) -> Detector:
    """An unfitted detector over a copy of a backbone, since some methods adapt theirs in place."""
    own = None if backbone is None else copy.deepcopy(backbone).to(recipe.device)
    images = plain(recipe.images)
    return make_method(recipe.kind, recipe.settings, backbone=own, device=recipe.device, images=images)

"""Small backbones with weights that do not depend on torch's generator."""

from collections.abc import Callable

import pytest

from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import build_backbone
from tests.models.towers import drawn_state, vit_settings


@pytest.fixture
def vit() -> Backbone:
    """Three blocks of width 32 on 32 x 32 pixels, GELU."""
    return _drawn(build_backbone(vit_settings()))


@pytest.fixture
def quick_vit() -> Callable[[], Backbone]:
    """The same with QuickGELU, as often as it is called."""
    return lambda: _drawn(build_backbone(vit_settings(quick_gelu=True)))


def _drawn(backbone: Backbone) -> Backbone:
    backbone.clip_model.load_state_dict(drawn_state(backbone.clip_model.state_dict()))
    return backbone

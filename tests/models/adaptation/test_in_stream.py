"""Block adapters in the tower's own stream, against the blocks run by hand."""

import pytest
import torch

from fusionmedclip.models.adaptation.adapters import BlockAdapters
from fusionmedclip.models.adaptation.in_stream import in_stream
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import build_backbone
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.settings import BlockAdapterSettings, ModelSettings
from fusionmedclip.models.similarity import aggregate
from tests.models.towers import drawn, timm_settings

STREAM = BlockAdapterSettings(bottleneck=4, placement="stream", zero_start=False)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(2, 32, 32, generator=torch.Generator().manual_seed(0))


def model_of(backbone: Backbone, block_adapter: BlockAdapterSettings) -> FusionModel:
    settings = ModelSettings(layers=(1, 3), lora=None, block_adapter=block_adapter)
    return FusionModel(backbone, settings, seed=0).eval()


@torch.no_grad()
def test_block_j_plus_1_sees_what_the_adapter_of_block_j_hands_on(vit: Backbone, images) -> None:
    model = model_of(vit, STREAM)
    found = model.features(vit.pixels(images))
    tower, seen = vit.visual, []
    patches = tower.conv1(vit.pixels(images)).flatten(2).transpose(1, 2)
    first = tower.class_embedding.expand(len(patches), 1, -1)
    tokens = tower.ln_pre(torch.cat([first, patches], dim=1) + tower.positional_embedding)
    for number, block in enumerate(tower.transformer.resblocks, start=1):
        tokens = block(tokens)
        if number in (1, 3):
            layer = model.block_adapters.layers[(1, 3).index(number)]
            down, up = layer[0], layer[3]
            hidden = torch.nn.functional.gelu(tokens @ down.weight[:, :, 0, 0].T + down.bias)
            tokens = tokens + hidden @ up.weight[:, :, 0, 0].T + up.bias
            seen.append(tokens[:, 1:])
    for one, two in zip(found, seen, strict=True):
        torch.testing.assert_close(one.flatten(2).transpose(1, 2), two, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_side_branch_leaves_the_stream_alone(vit: Backbone, images) -> None:
    pixels = vit.pixels(images)
    plain = vit.feature_maps(pixels, (1, 3))
    side = model_of(vit, BlockAdapterSettings(bottleneck=4, zero_start=False)).features(pixels)
    stream = model_of(vit, STREAM).features(pixels)
    assert all(torch.equal(a, b) for a, b in zip(plain, side, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(plain, stream, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(plain, vit.feature_maps(pixels, (1, 3)), strict=True))


def test_the_adapters_of_early_blocks_learn_through_later_ones(vit: Backbone, images) -> None:
    model = model_of(vit, STREAM)
    assert not model.frozen_backbone
    model.features(vit.pixels(images))[1].sum().backward()
    assert model.block_adapters.layers[0][0].weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "resnet18", "convnext_atto"])
@torch.no_grad()
def test_stages_of_convolutional_towers(name: str) -> None:
    """A shift of one stage's maps is in that stage's features, and in the next stage's."""
    backbone = build_backbone(timm_settings(name)).eval()
    pixels = backbone.pixels(drawn("images", (1, 64, 64)))
    plain = backbone.feature_maps(pixels, (3, 4))
    with in_stream(backbone, [3], lambda index, maps: maps + 1 + index):
        first, second = backbone.feature_maps(pixels, (3, 4))
    torch.testing.assert_close(first, plain[0] + 1)
    assert not torch.allclose(second, plain[1])
    blocks = BlockAdapters(backbone.channels([3]), STREAM, seed=0)
    with in_stream(backbone, [3], blocks.refine):
        assert backbone.feature_maps(pixels, (3,))[0].shape == plain[0].shape


@torch.no_grad()
def test_adapters_of_the_stream_are_not_applied_to_its_features_once_more(vit: Backbone, images) -> None:
    model = model_of(vit, STREAM)
    pixels, text = vit.pixels(images), model.text()
    unit = model.alignment(model.features(pixels))
    expected = aggregate(unit, text, tau=model.temperature(), size=(32, 32))
    torch.testing.assert_close(model(pixels)[1], expected)

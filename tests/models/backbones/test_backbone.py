"""Feature maps, pooled embeddings and layer names, against the towers run by hand."""

import copy

import pytest
import timm
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from tests.models.towers import drawn, timm_settings, vit_settings


def residual_stream(backbone: Backbone, pixels: torch.Tensor) -> list[torch.Tensor]:
    """Output of every block of open_clip's vision transformer, class token and all."""
    visual = backbone.visual
    x = visual.conv1(pixels).flatten(2).transpose(1, 2)
    first = visual.class_embedding.expand(len(x), 1, -1)
    x = visual.ln_pre(torch.cat([first, x], dim=1) + visual.positional_embedding)
    outputs = []
    for block in visual.transformer.resblocks:
        x = block(x)
        outputs.append(x)
    return outputs


@pytest.fixture
def pixels(vit: Backbone) -> torch.Tensor:
    return vit.pixels(torch.rand(2, 32, 32, generator=torch.Generator().manual_seed(0)))


def test_pixels_are_grey_in_three_channels_normalised(vit: Backbone) -> None:
    grey = drawn("grey", (1, 2, 2)).abs()
    result = vit.pixels(grey.numpy())
    for channel, (mean, std) in enumerate([(0.48145466, 0.26862954), (0.4578275, 0.26130258)]):
        torch.testing.assert_close(result[0, channel], (grey[0] - mean) / std)


def test_maps_are_the_raw_stream_without_the_class_token_in_the_order_asked(
    vit: Backbone, pixels: torch.Tensor
) -> None:
    with torch.no_grad():
        stream = residual_stream(vit, pixels)
        third, first = vit.feature_maps(pixels, (3, 1))
    for result, block in ((first, 0), (third, 2)):
        assert result.shape == (2, 32, 4, 4)
        for place in range(16):
            expected = stream[block][:, 1 + place]
            torch.testing.assert_close(result[:, :, place // 4, place % 4], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("layers", [(12, 18, 24), (14, 18, 24)])
def test_the_layers_of_both_chapters_are_counted_from_one(layers: tuple[int, ...]) -> None:
    backbone = build_backbone(vit_settings(layers=24))
    pixels = backbone.pixels(torch.rand(1, 32, 32))
    with torch.no_grad():
        stream = residual_stream(backbone, pixels)
        maps = backbone.feature_maps(pixels, layers)
    for result, layer in zip(maps, layers, strict=True):
        torch.testing.assert_close(result[0, :, 0, 0], stream[layer - 1][0, 1], atol=1e-5, rtol=1e-5)


def test_pooling_is_norm_then_projection_then_mean_over_positions(
    vit: Backbone, pixels: torch.Tensor
) -> None:
    with torch.no_grad():
        tokens = residual_stream(vit, pixels)[-1][:, 1:]
        rows = [vit.visual.ln_post(tokens[:, i]) @ vit.visual.proj for i in range(tokens.shape[1])]
        torch.testing.assert_close(vit.gap_features(pixels), sum(rows) / len(rows), atol=1e-5, rtol=1e-5)


TOWERS = ["vit_tiny_patch16_224", "tf_efficientnet_lite0", "resnet18", "convnext_atto"]


@pytest.mark.parametrize("name", TOWERS)
def test_timm_towers_give_maps_channels_and_embeddings(name: str) -> None:
    backbone = build_backbone(timm_settings(name))
    pixels = backbone.pixels(torch.rand(2, 64, 64))
    layers = (2, backbone.depth())
    with torch.no_grad():
        maps = backbone.feature_maps(pixels, layers)
        pooled = backbone.gap_features(pixels)
    assert [m.shape[1] for m in maps] == backbone.channels(layers)
    assert all(m.shape[0] == 2 and m.shape[2] == m.shape[3] for m in maps)
    assert pooled.shape == (2, 16)


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "resnet18"])
def test_convolutional_towers_pool_to_their_own_image_embedding(name: str) -> None:
    """Head and pooling are linear there, so that projecting each place first changes nothing."""
    backbone = build_backbone(timm_settings(name))
    pixels = backbone.pixels(torch.rand(2, 64, 64))
    with torch.no_grad():
        expected = backbone.clip_model.encode_image(pixels)
        torch.testing.assert_close(backbone.gap_features(pixels), expected, atol=1e-5, rtol=1e-4)
        assert backbone.gap_features(pixels[:0]).shape == expected[:0].shape


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "resnet18", "convnext_atto"])
def test_convolutional_towers_compute_channels_last_what_they_compute_channels_first(name: str) -> None:
    last = build_backbone(timm_settings(name))
    pixels = last.pixels(torch.rand(2, 64, 64))
    kernels = [m.weight for m in last.trunk.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(kernels) > 10
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
    with torch.no_grad():
        ours = last.feature_maps(pixels, (1, 4))
        last.visual.to(memory_format=torch.contiguous_format)
        theirs = last.feature_maps(pixels, (1, 4))
    for one, two in zip(ours, theirs, strict=True):
        assert one.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("settings", [vit_settings(), timm_settings("vit_tiny_patch16_224")])
def test_the_one_convolution_of_a_transformer_is_left_as_it_is(settings: BackboneSettings) -> None:
    kernel = next(m for m in build_backbone(settings).visual.modules() if isinstance(m, torch.nn.Conv2d))
    assert kernel.weight.is_contiguous()
    assert not kernel.weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("kind", ["vit", "timm"])
def test_maps_and_embedding_together_are_those_of_each_alone(kind: str) -> None:
    """Layers out of order, the last among them or not; a vision transformer passes once."""
    backbone = build_backbone(vit_settings() if kind == "vit" else timm_settings("resnet10t"))
    pixels = backbone.pixels(torch.rand(2, backbone.visual.image_size[0], backbone.visual.image_size[0]))
    for layers in ([2, 1], [3, 1]):
        passes: list[int] = []
        hook = backbone.layer_module(1).register_forward_hook(lambda *_, seen=passes: seen.append(1))
        maps, gap = backbone.maps_and_gap(pixels, layers)
        hook.remove()
        assert len(passes) == (1 if kind == "vit" else 2)
        assert torch.equal(gap, backbone.gap_features(pixels))
        for found, expected in zip(maps, backbone.feature_maps(pixels, layers), strict=True):
            assert torch.equal(found, expected)


def test_layers_of_a_plain_timm_network_may_be_named() -> None:
    backbone = build_backbone(BackboneSettings(kind="timm", model="resnet18", image_size=64))
    pixels = backbone.pixels(torch.rand(1, 64, 64))
    with torch.no_grad():
        by_name, by_number = backbone.feature_maps(pixels, ("layer2", 3))
        trunk = timm.create_model("resnet18").eval()
        trunk.load_state_dict(backbone.visual.state_dict())
        x = trunk.maxpool(trunk.act1(trunk.bn1(trunk.conv1(pixels))))
        expected = trunk.layer2(trunk.layer1(x))
    torch.testing.assert_close(by_name, expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(by_name, by_number)
    assert backbone.channels(("layer2", "layer3")) == [128, 256]


def test_layers_that_are_not_there_are_refused(vit: Backbone) -> None:
    for layer, allowed in ((0, "1 to 3"), (4, "1 to 3"), ("layer9", "")):
        with pytest.raises(InputError, match=f"(?s)no such layer.*{layer}.*{allowed}"):
            vit.layer_index(layer)


def test_towers_without_named_layers_and_networks_without_text_are_refused() -> None:
    with pytest.raises(InputError, match="ModifiedResNet"):
        build_backbone(BackboneSettings(model="RN50", image_size=64))
    plain = build_backbone(BackboneSettings(kind="timm", model="resnet18", image_size=64))
    with pytest.raises(InputError, match="text tower"):
        plain.gap_features(plain.pixels(torch.rand(1, 64, 64)))


def test_a_copy_has_towers_of_its_own_and_the_same_tokenizer(vit: Backbone) -> None:
    copied = copy.deepcopy({"one": vit, "again": vit})
    ours = copied["one"]
    assert copied["again"] is ours is not vit
    assert ours.tokenizer is vit.tokenizer
    assert ours.clip_model.visual is ours.visual
    for (name, here), there in zip(ours.named_parameters(), vit.parameters(), strict=True):
        assert torch.equal(here, there), name
        assert here.data_ptr() != there.data_ptr(), name
        assert here.requires_grad == there.requires_grad, name
    assert (ours.embed_dim, ours.training) == (vit.embed_dim, vit.training)
    assert torch.equal(ours.mean, vit.mean)


def test_unknown_precision_is_refused(vit: Backbone) -> None:
    with pytest.raises(InputError, match=r"(?s)float16.*float32, tf32, bfloat16"):
        vit.autocast("float16")


def test_colour_and_grey_pixels(vit: Backbone) -> None:
    colours = torch.rand(2, 32, 32, 3, generator=torch.Generator().manual_seed(0))
    found = vit.pixels(colours.numpy())
    for channel in range(3):
        mean, std = float(vit.mean[0, channel]), float(vit.std[0, channel])
        torch.testing.assert_close(found[:, channel], (colours[..., channel] - mean) / std)
    grey = colours[..., 0]
    assert torch.equal(vit.pixels(grey), vit.pixels(grey.unsqueeze(-1).expand(-1, -1, -1, 3)))

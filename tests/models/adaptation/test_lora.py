"""Which layers take LoRA, how it starts, and what it leaves alone."""

import pytest
import torch
from torch import nn

from fusionmedclip.errors import InputError
from fusionmedclip.models.adaptation.lora import add_lora, lora_parameters
from fusionmedclip.models.adaptation.lora_linear import LowRankLinear
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import build_backbone
from fusionmedclip.models.settings import LoraSettings
from tests.models.towers import timm_settings

NAMES = ["q_proj", "k_proj", "v_proj", "out_proj", "c_fc", "c_proj"]


def test_table_a1s_six_layers_of_every_block(vit: Backbone) -> None:
    targets = add_lora(vit, LoraSettings(rank=4, alpha=8, dropout=0.05), seed=0)
    assert len(targets) == 3 * 6
    for name in targets:
        module = vit.visual.get_submodule(name)
        assert isinstance(module, LowRankLinear)
        assert module.scaling["default"] == 2
        assert module.lora_dropout["default"].p == 0.05
    assert {n.rsplit(".", 1)[-1] for n in targets} == set(NAMES)
    shapes = [tuple(p.shape) for p in lora_parameters(vit).values()]
    assert len(shapes) == 2 * 18
    assert all(4 in shape for shape in shapes)


def test_b_starts_at_zero_a_at_random_and_the_output_does_not_move(vit: Backbone) -> None:
    vit.double()  # in float32 rounding alone moves some value by more than 1e-5, for some images
    pixels = vit.pixels(torch.rand(2, 32, 32)).double()
    with torch.no_grad():
        before = vit.feature_maps(pixels, (1, 2, 3))
        add_lora(vit, LoraSettings(), seed=0)
        after = vit.feature_maps(pixels, (1, 2, 3))
    for one, two in zip(before, after, strict=True):
        torch.testing.assert_close(one, two, atol=1e-12, rtol=1e-12)
    for name, parameter in lora_parameters(vit).items():
        assert ("lora_B" in name) == bool((parameter == 0).all()), name


def test_start_follows_the_seed_and_leaves_torchs_generator_alone() -> None:
    starts = []
    for seed in (0, 0, 1):
        backbone = build_backbone(timm_settings("tf_efficientnet_lite0"))
        before = torch.get_rng_state()
        add_lora(backbone, LoraSettings(), seed=seed)
        assert torch.equal(before, torch.get_rng_state())
        starts.append(next(iter(lora_parameters(backbone).values())).detach())
    assert torch.equal(starts[0], starts[1])
    assert not torch.equal(starts[0], starts[2])


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "resnet18", "convnext_atto"])
def test_convolutional_towers_adapt_pointwise_layers_of_their_blocks(name: str) -> None:
    backbone = build_backbone(timm_settings(name))
    pixels = backbone.pixels(torch.rand(1, 64, 64))
    pointwise = [
        n
        for n, m in backbone.trunk.named_modules()
        if isinstance(m, nn.Linear)
        or (isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1) and m.groups == 1)
        if "conv_head" not in n
    ]
    with torch.no_grad():
        before = backbone.feature_maps(pixels, (3, 4))
        targets = add_lora(backbone, LoraSettings(), seed=0)
        after = backbone.feature_maps(pixels, (3, 4))
    assert targets == [f"trunk.{n}" for n in pointwise]
    for one, two in zip(before, after, strict=True):
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-5)


def test_a_tower_is_adapted_once(vit: Backbone) -> None:
    add_lora(vit, LoraSettings(), seed=0)
    with pytest.raises(InputError, match=r"(?s)no layer that LoRA could adapt.*lora"):
        add_lora(vit, LoraSettings(), seed=0)


def test_the_output_projection_may_stay_frozen(vit: Backbone) -> None:
    """Section 3.3.2 names Q, K, V and the MLP; section 4.2 and Table A1 the output projection too."""
    targets = add_lora(vit, LoraSettings(output_projection=False), seed=0)
    assert {n.rsplit(".", 1)[-1] for n in targets} == set(NAMES) - {"out_proj"}
    assert len(targets) == 3 * 5


def test_timms_output_projection_may_stay_frozen() -> None:
    backbone = build_backbone(timm_settings("vit_tiny_patch16_224", pool=""))
    targets = add_lora(backbone, LoraSettings(output_projection=False), seed=0)
    assert {n.split("blocks.0.")[1] for n in targets if "blocks.0." in n} == {
        "attn.qkv.q_proj",
        "attn.qkv.k_proj",
        "attn.qkv.v_proj",
        "mlp.fc1",
        "mlp.fc2",
    }

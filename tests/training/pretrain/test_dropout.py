"""Masks keyed by image, and what they do inside a tower."""

import numpy as np
import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import build_backbone
from fusionmedclip.training.pretrain.dropout import Dropping, Masks
from tests.training.pretrain.towers import timm_settings, vit_settings


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def dropping(backbone: Backbone, *, rate: float = 0.4, form: str = "auto", tokens: float = 0.0) -> Dropping:
    return Dropping(backbone, rate=rate, form=form, token_rate=tokens)


def test_path_scales_every_residual_branch(vit: Backbone, pixels: torch.Tensor):
    drop = dropping(vit)
    assert drop.form == "path"
    masks = drop.draw(4, 0, "test")
    with drop.use(masks), torch.no_grad():
        found = vit.visual(pixels)
    visual = vit.visual
    with torch.no_grad():
        x = visual._embeds(pixels)
        for number, block in enumerate(visual.transformer.resblocks):
            first, second = masks.path[:, 2 * number, None, None], masks.path[:, 2 * number + 1, None, None]
            x = x + first * block.attention(block.ln_1(x))
            x = x + second * block.mlp(block.ln_2(x))
        expected = visual.ln_post(x)[:, 0] @ visual.proj
    assert torch.allclose(found, expected, atol=1e-5)


def test_path_rates_rise_linearly_and_keep_the_mean(vit: Backbone):
    path = dropping(vit, rate=0.4).draw(20_000, 0, "test").path.numpy()
    rates = (path == 0).mean(axis=0)
    # Three blocks of two branches: 0, 0.2 and 0.4; four standard deviations of 20,000 draws.
    assert rates == pytest.approx([0, 0, 0.2, 0.2, 0.4, 0.4], abs=4 * (0.24 / 20_000) ** 0.5)
    assert path.mean(axis=0) == pytest.approx(np.ones(6), abs=0.025)


def test_head_drops_channels_of_the_pooled_feature(vit: Backbone, pixels: torch.Tensor):
    drop = dropping(vit, form="head")
    masks = drop.draw(4, 0, "test")
    assert masks.head.shape == (4, 32)
    assert masks.head.unique().tolist() == pytest.approx([0, 1 / 0.6])
    with drop.use(masks), torch.no_grad():
        found = vit.visual(pixels)
    with torch.no_grad():
        pooled = vit.visual.ln_post(vit.visual.transformer(vit.visual._embeds(pixels)))[:, 0]
        assert torch.allclose(found, (pooled * masks.head) @ vit.visual.proj, atol=1e-5)


def test_head_of_a_tower_of_timm(pixels: torch.Tensor):
    backbone = build_backbone(timm_settings("test_resnet"))
    drop = dropping(backbone)
    assert drop.form == "head"  # its blocks have no site for stochastic depth
    masks = drop.draw(4, 0, "test")
    with torch.no_grad():
        pooled = backbone.trunk(pixels)
        with drop.use(masks):
            found = backbone.visual(pixels)
        assert torch.allclose(found, backbone.visual.head(pooled * masks.head), atol=1e-6)
    with pytest.raises(InputError, match="no residual branches"):
        dropping(backbone, form="path")


def test_path_of_a_tower_of_timm(pixels: torch.Tensor):
    backbone = build_backbone(timm_settings("test_vit"))
    drop = dropping(backbone)
    assert drop.form == "path"
    with drop.use(Masks(path=torch.zeros(4, len(drop._rates)))), torch.no_grad():
        found = backbone.visual(pixels)
    trunk = backbone.trunk
    with torch.no_grad():  # without branches, only the embedded tokens reach the norm
        x = trunk.norm_pre(trunk._pos_embed(trunk.patch_embed(pixels)))
        expected = backbone.visual.head(trunk.forward_head(trunk.norm(x)))
    assert torch.allclose(found, expected, atol=1e-5)


def test_tokens_that_stay_are_those_of_the_mask(vit: Backbone, pixels: torch.Tensor):
    drop = dropping(vit, rate=0, tokens=0.75)
    masks = drop.draw(4, 0, "test")
    assert masks.tokens.shape == (4, 4)
    assert all(len(set(row.tolist())) == 4 and 0 <= row.min() <= row.max() < 16 for row in masks.tokens)
    seen = []
    handle = vit.visual.ln_pre.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        vit.visual(pixels)
        with drop.use(masks):
            vit.visual(pixels)
    handle.remove()
    for image in range(4):
        rows = [0] + [int(token) + 1 for token in masks.tokens[image]]
        assert torch.equal(seen[1][image], seen[0][image, rows])


def test_tokens_need_a_vision_transformer():
    with pytest.raises(InputError, match="token_dropout"):
        dropping(build_backbone(timm_settings("test_resnet")), tokens=0.5)


def test_nothing_is_dropped_outside_of_use(vit: Backbone, pixels: torch.Tensor):
    with torch.no_grad():
        before = vit.visual(pixels)
        drop = dropping(vit, tokens=0.5)
        assert torch.equal(vit.visual(pixels), before)
        drop.remove()
        with drop.use(drop.draw(4, 0, "test")):
            assert torch.equal(vit.visual(pixels), before)


def test_a_share_of_the_batch_has_the_masks_of_the_whole(vit: Backbone):
    drop = dropping(vit, tokens=0.5)
    whole = drop.draw(8, 3, "test", 1)
    again = drop.draw(8, 3, "test", 1).rows(slice(4, 8))
    assert torch.equal(again.path, whole.path[4:])
    assert torch.equal(again.tokens, whole.tokens[4:])
    assert not torch.equal(drop.draw(8, 3, "test", 2).path, whole.path)


def test_off():
    drop = dropping(build_backbone(vit_settings()), rate=0)
    assert drop.form == "none"
    assert drop.draw(4, 0, "test") == Masks()

"""Layer-wise rates and the schedule."""

import math

import pytest

from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import build_backbone
from fusionmedclip.training.pretrain import PretrainSettings
from fusionmedclip.training.pretrain.optimiser import (
    layer_numbers,
    learning_rate,
    make_optimiser,
    set_learning_rate,
)
from tests.training.pretrain.towers import timm_settings

SETTINGS = PretrainSettings(max_epochs=10, warmup_epochs=2, learning_rate=1e-3, min_learning_rate=1e-5)


def test_layers_of_a_vision_transformer(vit: Backbone):
    numbers = layer_numbers(vit)
    by_hand = {"conv1.weight": 0, "class_embedding": 0, "positional_embedding": 0, "ln_pre.bias": 0,
               "transformer.resblocks.0.ln_1.weight": 1, "transformer.resblocks.2.mlp.c_proj.bias": 3,
               "ln_post.weight": 4, "proj": 4}  # fmt: skip
    assert {name: numbers[name] for name in by_hand} == by_hand
    assert set(numbers) == {name for name, _ in vit.visual.named_parameters()}


def test_layers_of_a_tower_of_timm():
    backbone = build_backbone(timm_settings("test_resnet"))
    numbers = layer_numbers(backbone)
    assert set(numbers) == {name for name, _ in backbone.visual.named_parameters()}
    assert numbers["trunk.conv1.0.weight"] == 0
    assert numbers["head.proj.weight"] == max(numbers.values())
    in_order = [numbers[f"trunk.layer{i}.0.conv1.weight"] for i in (1, 2, 3, 4)]
    assert in_order == sorted(set(in_order))


def test_rates_fall_from_layer_to_layer(vit: Backbone):
    optimiser = make_optimiser(vit, SETTINGS)
    set_learning_rate(optimiser, 2e-4)
    rates = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    named = dict(vit.visual.named_parameters())
    assert len(rates) == len(named)
    assert rates[id(named["proj"])] == pytest.approx(2e-4)
    assert rates[id(named["transformer.resblocks.2.attn.in_proj_weight"])] == pytest.approx(2e-4 * 0.8)
    assert rates[id(named["transformer.resblocks.0.attn.in_proj_weight"])] == pytest.approx(2e-4 * 0.8**3)
    assert rates[id(named["conv1.weight"])] == pytest.approx(2e-4 * 0.8**4)


def test_weight_decay_spares_biases_norms_and_embeddings(vit: Backbone):
    optimiser = make_optimiser(vit, SETTINGS)
    decay = {id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
    for name, parameter in vit.visual.named_parameters():
        spared = name.endswith("bias") or "ln_" in name or name.endswith("embedding")
        assert decay[id(parameter)] == (0.0 if spared else 0.05), name


def test_schedule_at_its_corners():
    def rate(step: int) -> float:
        return learning_rate(step, settings=SETTINGS, steps_per_epoch=4)

    assert [rate(step) for step in range(8)] == pytest.approx([1e-3 * (i + 1) / 8 for i in range(8)])
    assert rate(8) == pytest.approx(1e-3)
    assert rate(39) == pytest.approx(1e-5)
    # 31 steps separate the peak from the floor; the cosine written out for one in between.
    expected = 1e-5 + (1e-3 - 1e-5) * (1 + math.cos(math.pi * 12 / 31)) / 2
    assert rate(20) == pytest.approx(expected)


def test_schedule_without_warm_up_starts_at_the_peak():
    settings = PretrainSettings(max_epochs=1, warmup_epochs=0, learning_rate=1e-3)
    assert learning_rate(0, settings=settings, steps_per_epoch=1) == pytest.approx(1e-3)

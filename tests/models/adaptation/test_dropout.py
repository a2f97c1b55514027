"""Dropout of the trained parts, each alone, switched by FusionModel.train() inside frozen towers."""

from collections.abc import Callable

import pytest
import torch
from peft.tuners.lora.layer import LoraLayer
from torch import Tensor, nn

from fusionmedclip.models.adaptation import lora_linear
from fusionmedclip.models.adaptation.lora_linear import LowRankLinear
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import build_backbone
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.settings import BlockAdapterSettings, LoraSettings, ModelSettings
from fusionmedclip.training.fit_settings import LossSettings
from fusionmedclip.training.losses import total_loss
from tests.models.towers import drawn, timm_settings

Make = Callable[[LoraSettings | None, BlockAdapterSettings | None], FusionModel]


@pytest.fixture(params=["vit", "convolutional"])
def make(request: pytest.FixtureRequest, quick_vit: Callable[[], Backbone]) -> Make:
    """The model over a vision transformer or a convolutional tower, every trained number away from 0."""

    def made(lora: LoraSettings | None, block_adapter: BlockAdapterSettings | None) -> FusionModel:
        if request.param == "vit":
            backbone, layers = quick_vit(), (1, 2, 3)
        else:
            backbone, layers = build_backbone(timm_settings("tf_efficientnet_lite0")), (2, 3)
        settings = ModelSettings(layers=layers, lora=lora, block_adapter=block_adapter)
        model = FusionModel(backbone, settings, seed=0)
        for parameters in model.components().values():
            for name, parameter in parameters.items():
                parameter.data += drawn(name, tuple(parameter.shape), scale=0.1)
        return model

    return made


def lora(rate: float) -> LoraSettings:
    return LoraSettings(rank=2, alpha=4, dropout=rate)


def block_adapter(rate: float) -> BlockAdapterSettings:
    return BlockAdapterSettings(bottleneck=8, dropout=rate)


def pixels_of(model: FusionModel) -> Tensor:
    size = 32 if model.backbone.is_vit else 64
    return model.backbone.pixels(torch.rand(2, size, size, generator=torch.Generator().manual_seed(0)))


def loss_of(model: FusionModel, *, seed: int = 1) -> Tensor:
    pixels = pixels_of(model)
    masks = torch.zeros(2, *pixels.shape[-2:])
    masks[1, 8:20, 4:16] = 1
    torch.manual_seed(seed)
    return total_loss(*model(pixels), masks, LossSettings())[0]


PARTS = {
    "lora": lambda rate: (lora(rate), None),
    "lora beside a block adapter without dropout": lambda rate: (lora(rate), block_adapter(0.0)),
    "block adapter": lambda rate: (None, block_adapter(rate)),
    "block adapter beside lora without dropout": lambda rate: (lora(0.0), block_adapter(rate)),
}


@pytest.mark.parametrize("part", PARTS)
def test_each_rate_gives_a_loss_of_its_own_in_training(make: Make, part: str) -> None:
    with torch.no_grad():
        models = [make(*PARTS[part](rate)).train() for rate in (0.0, 0.05, 0.5)]
        none, low, high = (float(loss_of(model)) for model in models)
        assert len({none, low, high}) == 3
        assert none == float(loss_of(models[0], seed=2))  # nothing is drawn
        assert low != float(loss_of(models[1], seed=2))
        assert none == float(loss_of(models[1].eval()))
        assert none == float(loss_of(models[2].eval()))


@pytest.mark.parametrize("part", PARTS)
def test_eval_mode_draws_nothing(make: Make, part: str) -> None:
    model = make(*PARTS[part](0.5)).train().eval()
    before = torch.get_rng_state()
    with torch.no_grad():
        one, two = (model(pixels_of(model))[1] for _ in range(2))
    assert torch.equal(one, two)
    assert torch.equal(before, torch.get_rng_state())


def test_the_mode_reaches_all_that_is_ours_and_nothing_frozen(make: Make) -> None:
    model = make(lora(0.05), block_adapter(0.1))
    ours = {name for name, module in model.named_modules() if isinstance(module, nn.Dropout) and module.p}
    assert {model.get_submodule(name).p for name in ours} == {0.05, 0.1}
    for mode in (True, False, True):
        model.train(mode)
        for name, module in model.backbone.named_modules():
            added = isinstance(module, LoraLayer) or "lora_" in name
            assert module.training == (mode and added), name
        for name in ours:
            assert model.get_submodule(name).training == mode, name


class Replayed(nn.Module):
    """peft's dropout with masks that another layer drew, in the order of the calls."""

    def __init__(self, masks: list[tuple[Tensor, float]]):
        super().__init__()
        self.masks = masks

    def forward(self, x: Tensor) -> Tensor:
        keep, kept = self.masks.pop(0)
        return x * keep.view(x.shape) / kept


@pytest.mark.parametrize("rate", [0.05, 0.5])
def test_the_layer_of_the_cpu_is_pefts_with_the_same_masks(
    quick_vit: Callable[[], Backbone], monkeypatch: pytest.MonkeyPatch, rate: float
) -> None:
    """Loss and every gradient of the whole model in training, beside peft's own forward."""
    drawn_masks: list[tuple[Tensor, float]] = []
    draw = lora_linear.keep_mask

    def record(*arguments) -> tuple[Tensor, float]:
        drawn_masks.append(draw(*arguments))
        return drawn_masks[-1]

    monkeypatch.setattr(lora_linear, "keep_mask", record)
    results = []
    for stock in (False, True):
        settings = ModelSettings(layers=(1, 2, 3), lora=lora(rate), block_adapter=None)
        model = FusionModel(quick_vit(), settings, seed=0)
        for name, parameter in model.components()["lora"].items():
            parameter.data += drawn(name, tuple(parameter.shape), scale=0.1)
        model.train()
        if stock:
            monkeypatch.setattr(LowRankLinear, "_in_one_step", lambda self, x: False)
            for module in model.modules():
                if isinstance(module, LowRankLinear):
                    module.lora_dropout["default"] = Replayed(drawn_masks)
        loss = loss_of(model)
        loss.backward()
        gradients = {n: p.grad for n, p in model.named_parameters() if p.requires_grad}
        results.append((loss.detach(), gradients))
        assert len(drawn_masks) == (0 if stock else 3 * 6)
    (ours, our_gradients), (theirs, their_gradients) = results
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
    assert our_gradients.keys() == their_gradients.keys()
    for name, gradient in our_gradients.items():
        torch.testing.assert_close(gradient, their_gradients[name], atol=1e-6, rtol=1e-5, msg=name)

"""LoRA of a 1x1 convolution: a linear layer of each position, computed in one step."""

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora.layer import Conv2d as PeftConv2d
from torch import nn

from fusionmedclip.models.adaptation import lora_linear
from fusionmedclip.models.adaptation.lora_linear import LowRankPointwise
from tests.models.towers import drawn

MAPS = (2, 5, 3, 4)


def layer(kind: type, *, dropout: float = 0.0, bias: bool = True, stride: int = 1) -> nn.Module:
    """A LoRA layer of 5 to 3 channels, every weight drawn, in float64."""
    base = nn.Sequential(nn.Conv2d(5, 3, kernel_size=1, bias=bias, stride=stride))
    config = LoraConfig(r=2, lora_alpha=6, lora_dropout=dropout, target_modules=["0"])
    config._register_custom_module({nn.Conv2d: kind})
    module = inject_adapter_in_model(config, base)[0].double()
    for name, parameter in module.named_parameters():
        parameter.data.copy_(drawn(name, tuple(parameter.shape)))
    return module


@pytest.fixture(params=["cpu", "gpu"])
def device(request, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the CPU and what a GPU computes, here."""
    if request.param == "gpu":
        launched = lora_linear._LaunchedProduct
        monkeypatch.setattr(
            lora_linear,
            "_product",
            lambda rows, tensors, *, dropout, scale: launched.apply(rows, *tensors, dropout, scale),
        )


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("stride", [1, 2])
def test_equals_pefts_layer_in_value_and_gradient(bias: bool, stride: int) -> None:
    results = []
    for kind in (LowRankPointwise, PeftConv2d):
        module = layer(kind, bias=bias, stride=stride)
        x = drawn("x", MAPS).double().to(memory_format=torch.channels_last).requires_grad_()
        y = module(x)
        (y * drawn("weights", tuple(y.shape)).double()).sum().backward()
        low = (module.lora_A["default"].weight.grad, module.lora_B["default"].weight.grad)
        results.append((y.detach(), x.grad, *low))
    for ours, theirs in zip(*results, strict=True):
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)


def test_dropout_decides_of_each_channel_of_each_position(monkeypatch: pytest.MonkeyPatch) -> None:
    """With known masks, y = W x + b + s B A (m x / (1 - p)) at each position, by loops."""
    keep = (drawn("keep", (2 * 3 * 4, 5)) > 0).view(torch.uint8)
    monkeypatch.setattr(lora_linear, "keep_mask", lambda shape, p: (keep.reshape(shape), 1 - p))
    module, x = layer(LowRankPointwise, dropout=0.25).train(), drawn("x", MAPS).double()
    weight, a, b = (
        tensor.weight.detach().flatten(1)
        for tensor in (module.base_layer, module.lora_A["default"], module.lora_B["default"])
    )
    y = module(x).detach()
    for n in range(2):
        for i in range(3):
            for j in range(4):
                here = x[n, :, i, j]
                masked = here * keep[n * 12 + i * 4 + j] / 0.75
                expected = weight @ here + module.base_layer.bias.detach() + 3 * b @ (a @ masked)
                torch.testing.assert_close(y[n, :, i, j], expected, atol=1e-12, rtol=0)


def test_maps_stay_channels_last_so_that_nothing_is_copied() -> None:
    x = drawn("x", MAPS).double().to(memory_format=torch.channels_last)
    assert layer(LowRankPointwise)(x).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("shape", [(0, 5, 3, 4), (5, 3, 4)], ids=["none", "one"])
def test_what_pefts_layer_takes_is_taken(shape: tuple[int, ...]) -> None:
    x = drawn("x", shape).double()
    torch.testing.assert_close(layer(LowRankPointwise)(x), layer(PeftConv2d)(x), atol=1e-12, rtol=0)

"""Eq. 8 against loops written from the thesis, and against peft's own layer."""

import numpy as np
import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora.layer import Linear as PeftLinear
from torch import nn

from fusionmedclip.models.adaptation import lora_linear
from fusionmedclip.models.adaptation.lora_linear import LowRankLinear, _chunks, keep_mask
from tests.models.towers import drawn

RANK, ALPHA = 2, 4


def layer(kind: type, *, dropout: float = 0.0, bias: bool = True, width: int = 5) -> nn.Module:
    """A LoRA layer width -> 3, every weight drawn, in float64."""
    base = nn.Sequential(nn.Linear(width, 3, bias=bias))
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=dropout, target_modules=["0"])
    config._register_custom_module({nn.Linear: kind})
    module = inject_adapter_in_model(config, base)[0].double()
    for name, parameter in module.named_parameters():
        parameter.data.copy_(drawn(name, tuple(parameter.shape)))
    return module


def test_is_the_thesis_equation_with_the_factor_alpha_over_rank() -> None:
    module, x = layer(LowRankLinear), drawn("x", (2, 4, 5)).double()
    w0, bias = module.base_layer.weight.detach(), module.base_layer.bias.detach()
    a, b = module.lora_A["default"].weight.detach(), module.lora_B["default"].weight.detach()
    y = module(x).detach()
    for i in range(2):
        for j in range(4):
            for o in range(3):
                plain = float(bias[o]) + sum(float(w0[o, n]) * float(x[i, j, n]) for n in range(5))
                low = [sum(float(a[r, n]) * float(x[i, j, n]) for n in range(5)) for r in range(RANK)]
                update = sum(float(b[o, r]) * low[r] for r in range(RANK))
                assert float(y[i, j, o]) == pytest.approx(plain + ALPHA / RANK * update, abs=1e-12)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a GPU computes, here."""

    def product(rows: torch.Tensor, tensors: list, *, dropout: float, scale: float) -> torch.Tensor:
        return lora_linear._LaunchedProduct.apply(rows, *tensors, dropout, scale)

    monkeypatch.setattr(lora_linear, "_product", product)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize("bias", [True, False])
def test_equals_pefts_layer_in_value_and_gradient(bias: bool, device: str, request) -> None:
    if device == "gpu":
        request.getfixturevalue("launched")
    results = []
    for kind in (LowRankLinear, PeftLinear):
        module, x = layer(kind, bias=bias), drawn("x", (2, 4, 5)).double().requires_grad_()
        y = module(x)
        (y * drawn("weights", (2, 4, 3)).double()).sum().backward()
        low = (module.lora_A["default"].weight.grad, module.lora_B["default"].weight.grad)
        results.append((y.detach(), x.grad, *low))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)


def test_dropout_masks_the_input_of_a_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With known masks, y = x W^T + b + s B A (m x / (1 - p)), and so are its gradients."""
    monkeypatch.setattr(lora_linear, "_CHUNK", 10)  # several chunks, the last one short
    keep = torch.from_numpy(np.random.default_rng(0).random((7, 5)) > 0.4)
    monkeypatch.setattr(
        lora_linear,
        "keep_mask",
        lambda shape, p: (keep.view(torch.uint8), 1 - p),
    )
    module = layer(LowRankLinear, dropout=0.25).train()
    x = drawn("x", (7, 5)).double().requires_grad_()
    other = x.detach().clone().requires_grad_()
    a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
    y = module(x)
    masked = other * keep / 0.75
    expected = other @ module.base_layer.weight.T + module.base_layer.bias + ALPHA / RANK * masked @ a.T @ b.T
    torch.testing.assert_close(y, expected, atol=1e-12, rtol=0)
    weights = drawn("weights", (7, 3)).double()
    ours = torch.autograd.grad((y * weights).sum(), [x, a, b])
    theirs = torch.autograd.grad((expected * weights).sum(), [other, a, b])
    for one, two in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, two, atol=1e-12, rtol=0)


@pytest.mark.usefixtures("launched")
def test_on_a_gpu_too_dropout_masks_the_input_of_a_alone() -> None:
    module, x = layer(LowRankLinear, dropout=0.25).train(), drawn("x", (7, 5)).double()
    torch.manual_seed(3)
    masked, keep = torch.native_dropout(x, 0.25, True)
    assert 0 < int(keep.sum()) < keep.numel()
    torch.manual_seed(3)
    a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
    plain = x @ module.base_layer.weight.T + module.base_layer.bias
    torch.testing.assert_close(module(x), plain + ALPHA / RANK * masked @ a.T @ b.T, atol=1e-12, rtol=0)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_gradients(dropout: float, device: str, request) -> None:
    if device == "gpu":
        request.getfixturevalue("launched")
    module = layer(LowRankLinear, dropout=dropout).train()
    a, b = module.lora_A["default"].weight, module.lora_B["default"].weight

    def run(x: torch.Tensor, _a: torch.Tensor, _b: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(3)  # the same mask in every evaluation
        return module(x)

    assert torch.autograd.gradcheck(run, (drawn("x", (6, 5)).double().requires_grad_(), a, b))


def test_eval_mode_has_no_dropout_and_draws_nothing() -> None:
    module, x = layer(LowRankLinear, dropout=0.5).eval(), drawn("x", (4, 5)).double()
    before = torch.get_rng_state()
    assert torch.equal(module(x), module(x))
    assert torch.equal(before, torch.get_rng_state())


def test_no_gradient_is_computed_for_an_input_that_needs_none() -> None:
    module = layer(LowRankLinear, dropout=0.5).train()
    x = drawn("x", (4, 5)).double()
    module(x).sum().backward()
    assert x.grad is None
    assert float(module.lora_A["default"].weight.grad.abs().sum()) > 0
    assert module.base_layer.weight.grad is None


def test_bfloat16_autocast_stays_close() -> None:
    module, x = layer(LowRankLinear).float(), drawn("x", (4, 5)).requires_grad_()
    expected = module(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = module(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), expected, atol=0.02, rtol=0)
    y.float().sum().backward()
    assert x.grad.dtype == module.lora_A["default"].weight.grad.dtype == torch.float32


def test_keep_mask_keeps_the_stated_share_independently() -> None:
    torch.manual_seed(0)
    keep, kept = keep_mask((1000, 1001), 0.05)
    values = keep.numpy().astype(float)
    assert keep.shape == (1000, 1001)
    assert set(np.unique(values)) == {0.0, 1.0}
    assert kept == 1 - round(0.05 * 65536) / 65536
    error = 4 * np.sqrt(kept * (1 - kept) / values.size)
    assert abs(values.mean() - kept) < error
    flat = values.ravel() - kept
    for lag in (1, 2, 3, 4, 1001):  # lanes of one word, neighbouring words, neighbouring rows
        assert abs((flat[lag:] * flat[:-lag]).mean()) < 4 * kept * (1 - kept) / np.sqrt(values.size)
    for lane in range(4):
        assert abs(values.ravel()[lane::4].mean() - kept) < 2 * error


def test_keep_mask_follows_torchs_generator() -> None:
    def draw(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return keep_mask((50, 7), 0.5)[0]

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
    assert bool((keep_mask((9,), 0.0)[0] == 1).all())


def test_chunks_cover_every_row_once() -> None:
    rows = [r for part in _chunks(2056, 4096) for r in range(part.start, part.stop)]
    assert rows == list(range(2056))


def test_what_peft_can_do_beyond_is_left_to_peft() -> None:
    module, x = layer(LowRankLinear), drawn("x", (4, 5)).double()
    adapted = module(x)
    module.merge()
    torch.testing.assert_close(module(x), adapted, atol=1e-12, rtol=0)
    module.unmerge()
    module.enable_adapters(False)
    torch.testing.assert_close(module(x), module.base_layer(x), atol=1e-12, rtol=0)


@pytest.mark.parametrize("shape", [(0, 4, 5), (5,)], ids=["none", "one"])
def test_what_pefts_layer_takes_is_taken(shape: tuple[int, ...]) -> None:
    x = drawn("x", shape).double()
    torch.testing.assert_close(layer(LowRankLinear)(x), layer(PeftLinear)(x), atol=1e-12, rtol=0)

"""Split attention against the fused originals of torch and timm."""

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional as F

from fusionmedclip.errors import InputError
from fusionmedclip.models.adaptation.attention import SplitAttention, batch_first_attention, split_attention
from tests.models.towers import drawn


@pytest.fixture
def fused() -> nn.MultiheadAttention:
    module = nn.MultiheadAttention(24, 3, batch_first=True).eval()
    for name, parameter in module.named_parameters():
        parameter.data.copy_(drawn(name, tuple(parameter.shape)))
    return module


@pytest.mark.parametrize("masked", [False, True])
def test_equals_the_fused_original(fused: nn.MultiheadAttention, masked: bool) -> None:
    x = drawn("x", (2, 9, 24), scale=1.0)
    mask = torch.full((9, 9), float("-inf")).triu(1) if masked else None
    expected, _ = fused(x, x, x, need_weights=False, attn_mask=mask)
    result, _ = SplitAttention(fused)(x, x, x, attn_mask=mask)
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


def test_keeps_the_precision_and_the_memory_of_the_original(fused: nn.MultiheadAttention) -> None:
    fused = fused.double()
    split = SplitAttention(fused)
    assert split.q_proj.weight.dtype == torch.float64
    assert split.q_proj.weight.data_ptr() == fused.in_proj_weight.data_ptr()
    x = drawn("x", (1, 4, 24)).double()
    torch.testing.assert_close(split(x, x, x)[0], fused(x, x, x)[0], atol=1e-14, rtol=0)


def test_uses_scaled_dot_product_attention(
    fused: nn.MultiheadAttention, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = []

    def record(q, k, v, **options):
        shapes.append(q.shape)
        return original(q, k, v, **options)

    original = F.scaled_dot_product_attention
    monkeypatch.setattr(F, "scaled_dot_product_attention", record)
    x = drawn("x", (2, 9, 24))
    SplitAttention(fused)(x, x, x)
    assert shapes == [(2, 3, 9, 8)]


def test_splitting_a_tower_draws_nothing_and_keeps_its_state(fused: nn.MultiheadAttention) -> None:
    tower = nn.ModuleDict({"block": nn.ModuleDict({"attn": fused})}).train()
    before = torch.get_rng_state()
    assert split_attention(tower) == 1
    assert torch.equal(before, torch.get_rng_state())
    assert tower["block"]["attn"].training
    assert not any(p.requires_grad for p in tower.parameters())
    assert split_attention(tower) == 0


def test_timm_attention_is_split_too() -> None:
    tower = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=2).eval()
    x = drawn("pixels", (2, 3, 32, 32), scale=1.0)
    with torch.no_grad():
        expected = tower(x)
        assert split_attention(tower) == 2
        torch.testing.assert_close(tower(x), expected, atol=1e-5, rtol=0)
    names = [n for n, m in tower.named_modules() if isinstance(m, nn.Linear)]
    assert [n for n in names if n.startswith("blocks.0.attn")] == [
        "blocks.0.attn.qkv.q_proj",
        "blocks.0.attn.qkv.k_proj",
        "blocks.0.attn.qkv.v_proj",
        "blocks.0.attn.proj",
    ]


def test_other_layouts_are_refused() -> None:
    with pytest.raises(InputError, match="batch_first"):
        SplitAttention(nn.MultiheadAttention(24, 3))
    with pytest.raises(InputError, match="one width"):
        SplitAttention(nn.MultiheadAttention(24, 3, kdim=8, batch_first=True))


@pytest.mark.parametrize("masked", [False, True])
def test_batch_first_attention_is_the_same_module_with_the_same_answer(
    fused: nn.MultiheadAttention, masked: bool
) -> None:
    x = drawn("x", (2, 9, 24), scale=1.0)
    mask = torch.full((9, 9), float("-inf")).triu(1) if masked else None
    expected, _ = fused(x, x, x, need_weights=False, attn_mask=mask)
    kept = dict(fused.named_parameters())
    assert batch_first_attention(nn.Sequential(fused)) == [fused]
    assert batch_first_attention(nn.Sequential(fused)) == []
    result, _ = fused(x, x, x, need_weights=False, attn_mask=mask)
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)
    assert all(p is kept[n] for n, p in fused.named_parameters())
    assert split_attention(nn.Sequential(fused)) == 1


def test_batch_first_attention_leaves_the_rest_to_torch(fused: nn.MultiheadAttention) -> None:
    x, other = drawn("x", (2, 9, 24)), drawn("other", (2, 5, 24))
    padding = torch.zeros(2, 9, dtype=torch.bool)
    padding[:, 6:] = True
    calls = [
        lambda: fused(x, other, other, need_weights=False)[0],
        lambda: fused(x, x, x, need_weights=False, key_padding_mask=padding)[0],
        lambda: fused(x, x, x, need_weights=True)[1],
    ]
    expected = [call() for call in calls]
    batch_first_attention(nn.Sequential(fused))
    for call, one in zip(calls, expected, strict=True):
        torch.testing.assert_close(call(), one, atol=1e-6, rtol=0)

import torch
from open_clip.transformer import QuickGELU
from torch import nn

from fusionmedclip.models.adaptation.activation import FusedQuickGELU, fuse_quick_gelu
from tests.models.towers import drawn


def test_equals_open_clips_in_value_and_gradient() -> None:
    x = drawn("x", (5, 7), scale=4.0).requires_grad_()
    other = x.detach().clone().requires_grad_()
    ours, theirs = FusedQuickGELU()(x), QuickGELU()(other)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-6)
    weights = drawn("weights", (5, 7))
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    torch.testing.assert_close(x.grad, other.grad, atol=1e-6, rtol=1e-6)


def test_gradient() -> None:
    x = drawn("x", (3, 4), scale=2.0).double().requires_grad_()
    assert torch.autograd.gradcheck(FusedQuickGELU(), (x,))


def test_leaves_its_input_alone() -> None:
    x = drawn("x", (3, 4))
    kept = x.clone()
    FusedQuickGELU()(x)
    assert torch.equal(x, kept)


def test_replaces_every_one_in_a_tower_and_no_other_activation() -> None:
    tower = nn.Sequential(QuickGELU(), nn.Sequential(nn.GELU(), QuickGELU()))
    assert fuse_quick_gelu(tower) == 2
    assert [type(m).__name__ for m in tower.modules()][1:] == [
        "FusedQuickGELU",
        "Sequential",
        "GELU",
        "FusedQuickGELU",
    ]

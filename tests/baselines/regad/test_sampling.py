"""Sampling by gathering against torch's own grid_sample, in value and gradient."""

import pytest
import torch
from torch.nn import functional as F

from fusionmedclip.baselines.regad.position_gaussians import PositionGaussians
from fusionmedclip.baselines.regad.sampling import gathered, sample_reflected
from fusionmedclip.errors import InputError


@pytest.mark.parametrize("reach", [0.9, 1.5, 7.0], ids=["inside", "over the edge", "mirrored often"])
def test_equals_torchs_grid_sample(reach: float) -> None:
    draw = torch.Generator().manual_seed(0)
    maps = torch.rand(2, 3, 5, 8, generator=draw, dtype=torch.float64)
    grid = (torch.rand(2, 6, 7, 2, generator=draw, dtype=torch.float64) * 2 - 1) * reach
    weights = torch.rand(2, 3, 6, 7, generator=draw, dtype=torch.float64)
    results = []
    for sample in (
        gathered,
        lambda m, g: F.grid_sample(m, g, padding_mode="reflection", align_corners=False),
    ):
        m, g = maps.clone().requires_grad_(), grid.clone().requires_grad_()
        sampled = sample(m, g)
        (sampled * weights).sum().backward()
        results.append((sampled.detach(), m.grad, g.grad))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)


def test_the_identity_gives_the_map_itself() -> None:
    maps = torch.rand(1, 2, 4, 6, generator=torch.Generator().manual_seed(1))
    theta = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    grid = F.affine_grid(theta, list(maps.shape), align_corners=False)
    torch.testing.assert_close(gathered(maps, grid), maps, atol=1e-6, rtol=0)


def test_torchs_own_where_it_is_deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(F, "grid_sample", lambda maps, *_, **__: calls.append(maps.device.type) or maps)
    for device in ("cpu", "meta"):  # any that is not the CPU
        maps, grid = torch.zeros(1, 2, 4, 6, device=device), torch.zeros(1, 4, 6, 2, device=device)
        sample_reflected(maps, grid)
        with torch.inference_mode():
            sample_reflected(maps, grid)
    assert calls == ["cpu", "cpu", "meta"]


@pytest.mark.parametrize("place", [float("nan"), float("inf"), 1e38, -1e7])
def test_positions_that_would_end_the_process_are_no_numbers(place: float) -> None:
    """Where one is no number, or too large to be mirrored, torch's backward pass reads outside of the map."""
    maps = torch.rand(2, 2, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    grid = torch.zeros(2, 4, 4, 2)
    grid[0, 1, 2, 0] = place
    grid.requires_grad_()
    sampled = sample_reflected(maps, grid)
    assert sampled[0].isnan().all()
    assert torch.equal(sampled[1:], F.grid_sample(maps[1:], torch.zeros(1, 4, 4, 2), align_corners=False))
    sampled.sum().backward()
    assert maps.grad is not None
    with torch.inference_mode():  # what is scored is what it was
        kept = F.grid_sample(maps, grid, padding_mode="reflection", align_corners=False)
        assert torch.equal(sample_reflected(maps, grid), kept) or not kept.isfinite().all()


@pytest.mark.parametrize(("feature", "channels"), [(float("nan"), 3), (1e30, 3), (1e20, 64)])
def test_features_of_a_training_that_diverged_have_no_gaussian(feature: float, channels: int) -> None:
    samples = torch.randn(4, channels, 2, generator=torch.Generator().manual_seed(0))
    samples[0, 0, 1] = feature
    with pytest.raises(InputError, match=r"no Gaussian(.|\n)*diverged"):
        PositionGaussians.fit(samples, ridge=0.01)

"""Sampling by gathering against torch's own grid_sample, in value and gradient."""

import pytest
import torch
from torch.nn import functional as F

from fusionmedclip.baselines.regad.sampling import gathered, sample_reflected


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

"""Eq. 6 and 7 against loops written from the thesis."""

import math

import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.settings import TemperatureSettings
from fusionmedclip.models.similarity import Temperature, aggregate
from tests.models.towers import drawn

SIZE = (7, 10)


def unit(name: str, shape: tuple[int, ...], dim: int) -> torch.Tensor:
    return torch.nn.functional.normalize(drawn(name, shape).double(), dim=dim)


def bilinear(grid: torch.Tensor, y: int, x: int, *, align: bool) -> float:
    """One value of a grid (h, w) seen at SIZE."""
    place = []
    for index, small, large in ((y, grid.shape[0], SIZE[0]), (x, grid.shape[1], SIZE[1])):
        at = index * (small - 1) / (large - 1) if align else max((index + 0.5) * small / large - 0.5, 0)
        low = min(int(at), small - 1)
        place.append((low, min(low + 1, small - 1), at - low))
    (top, bottom, down), (left, right, across) = place
    upper = (1 - across) * grid[top, left] + across * grid[top, right]
    lower = (1 - across) * grid[bottom, left] + across * grid[bottom, right]
    return float((1 - down) * upper + down * lower)


@pytest.mark.parametrize("align", [True, False])
def test_softmax_then_upsample_then_mean(align: bool) -> None:
    features = [unit("a", (2, 5, 3, 4), 1), unit("b", (2, 5, 2, 2), 1)]
    text, tau = unit("text", (2, 5), 1), 0.07
    maps = aggregate(features, text, tau=torch.tensor(tau).double(), size=SIZE, align_corners=align)
    assert maps.shape == (2, *SIZE)
    for b in range(2):
        probabilities = []
        for g in features:
            s = torch.empty(g.shape[2:], dtype=torch.float64)
            for h in range(g.shape[2]):
                for w in range(g.shape[3]):
                    normal = math.exp(float((g[b, :, h, w] * text[0]).sum()) / tau)
                    anomaly = math.exp(float((g[b, :, h, w] * text[1]).sum()) / tau)
                    s[h, w] = anomaly / (normal + anomaly)
            probabilities.append(s)
        for y in range(SIZE[0]):
            for x in range(SIZE[1]):
                expected = sum(bilinear(s, y, x, align=align) for s in probabilities) / 2
                assert float(maps[b, y, x]) == pytest.approx(expected, abs=1e-6)


def test_orders_differ_and_cosine_first_has_no_temperature() -> None:
    features, text = [unit("a", (1, 5, 3, 3), 1), unit("b", (1, 5, 3, 3), 1)], unit("text", (2, 5), 1)
    maps = {
        (order, tau): aggregate(features, text, tau=torch.tensor(tau), size=SIZE, aggregation=order)
        for order in ("softmax_first", "cosine_first")
        for tau in (0.07, 0.5)
    }
    assert torch.equal(maps["cosine_first", 0.07], maps["cosine_first", 0.5])
    assert not torch.allclose(maps["softmax_first", 0.07], maps["softmax_first", 0.5])
    assert not torch.allclose(maps["softmax_first", 0.5], maps["cosine_first", 0.5])


def test_cosine_first_brings_layers_of_other_sizes_to_the_finest() -> None:
    coarse, fine, text = unit("a", (1, 5, 2, 2), 1), unit("b", (1, 5, 4, 4), 1), unit("text", (2, 5), 1)
    maps = aggregate([coarse, fine], text, tau=torch.tensor(1.0), size=(4, 4), aggregation="cosine_first")
    cosines = [(f[0, :, 0, 0] @ text.T) for f in (coarse, fine)]
    corner = (cosines[0] + cosines[1]) / 2
    expected = math.exp(corner[1]) / (math.exp(corner[0]) + math.exp(corner[1]))
    assert float(maps[0, 0, 0]) == pytest.approx(expected, abs=1e-9)


def test_unknown_order_is_refused() -> None:
    with pytest.raises(InputError, match=r"(?s)aggregation.*mean_first.*softmax_first, cosine_first"):
        aggregate(
            [unit("a", (1, 5, 2, 2), 1)],
            unit("text", (2, 5), 1),
            tau=torch.tensor(1.0),
            size=SIZE,
            aggregation="mean_first",
        )


def test_fixed_temperature_is_no_parameter() -> None:
    tau = Temperature(TemperatureSettings())
    assert list(tau.parameters()) == []
    assert tau.state_dict() == {}
    assert float(tau()) == pytest.approx(0.07, rel=1e-6)


def test_learnt_temperature_stays_in_range_and_can_leave_the_bound() -> None:
    tau = Temperature(TemperatureSettings(value=0.07, learnable=True, minimum=0.05, maximum=0.1))
    updates = torch.optim.SGD(tau.parameters(), lr=1.0)
    for direction, bound in ((1.0, 0.05), (-1.0, 0.1)):
        for _ in range(200):
            updates.zero_grad()
            (direction * tau()).backward()
            updates.step()
            tau.clamp()
        assert float(tau().detach()) == pytest.approx(bound, rel=1e-5)
    updates.zero_grad()
    tau().backward()
    assert float(tau.log_tau.grad) > 0

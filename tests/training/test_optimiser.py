"""Adam and AdamW with a rate for each component, against their published update."""

import pytest
import torch
from torch import nn

from fusionmedclip.training.fit_settings import LearningRates, OptimiserSettings
from fusionmedclip.training.optimiser import make_optimiser, set_rates


def components() -> dict[str, dict[str, nn.Parameter]]:
    return {
        "prompt": {"p": nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))},
        "lora": {"a": nn.Parameter(torch.tensor([0.5], dtype=torch.float64))},
    }


def test_table_a1s_rates_by_component_and_nothing_else() -> None:
    parts = components()
    updates = make_optimiser(parts, OptimiserSettings())
    assert isinstance(updates, torch.optim.AdamW)
    groups = {group["name"]: group for group in updates.param_groups}
    assert {name: group["lr"] for name, group in groups.items()} == {"prompt": 1e-3, "lora": 3e-5}
    for name, group in groups.items():
        assert group["params"] == list(parts[name].values())
        assert (group["betas"], group["eps"], group["weight_decay"]) == ((0.9, 0.999), 1e-8, 0.01)


@pytest.mark.parametrize("name", ["adamw", "adam"])
def test_three_steps_by_hand(name: str) -> None:
    decay, rates = 0.1, {"prompt": 0.01, "lora": 0.002}
    settings = OptimiserSettings(name=name, weight_decay=decay, learning_rates=LearningRates(**rates))
    parts = components()
    updates = make_optimiser(parts, settings)
    expected = {n: p.detach().clone() for ps in parts.values() for n, p in ps.items()}
    first, second = ({n: torch.zeros_like(p) for n, p in expected.items()} for _ in "ab")
    for step in (1, 2, 3):
        updates.zero_grad()
        sum((p**3).sum() for ps in parts.values() for p in ps.values()).backward()
        updates.step()
        for component, names in (("prompt", "p"), ("lora", "a")):
            rate, old = rates[component], expected[names].clone()
            gradient = 3 * old**2 + (decay * old if name == "adam" else 0)
            first[names] = 0.9 * first[names] + 0.1 * gradient
            second[names] = 0.999 * second[names] + 0.001 * gradient**2
            move = first[names] / (1 - 0.9**step) / ((second[names] / (1 - 0.999**step)).sqrt() + 1e-8)
            expected[names] = old - rate * move - (rate * decay * old if name == "adamw" else 0)
    for parameters in parts.values():
        for n, p in parameters.items():
            torch.testing.assert_close(p.detach(), expected[n], atol=1e-12, rtol=0)


def test_a_cosine_falls_from_each_rate_to_nothing() -> None:
    settings = OptimiserSettings(schedule="cosine")
    updates = make_optimiser(components(), settings)
    for done, share in ((0.0, 1.0), (0.25, 0.8535533906), (0.5, 0.5), (1.0, 0.0)):  # (1 + cos(pi done)) / 2
        set_rates(updates, settings, done=done)
        rates = {group["name"]: group["lr"] for group in updates.param_groups}
        assert rates == pytest.approx({"prompt": 1e-3 * share, "lora": 3e-5 * share}, abs=1e-12)
    constant = make_optimiser(components(), OptimiserSettings())
    set_rates(constant, OptimiserSettings(), done=0.5)
    assert [group["lr"] for group in constant.param_groups] == [1e-3, 3e-5]

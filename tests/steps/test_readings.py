"""Losses become numbers in the order of their steps, at once or some steps late."""

import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.steps.readings import EVERY, Readings


@pytest.mark.parametrize("device", EVERY)
def test_every_step_is_told_in_order(device: str) -> None:
    rows: list[dict] = []
    readings = Readings(rows.append, device=device)
    for step in range(1, 38):
        readings.add({"step": step}, {"loss": torch.tensor(step / 4), "tau": torch.tensor([0.5])})
        assert step - len(rows) < EVERY[device]
    readings.read()
    assert rows == [{"step": step, "loss": step / 4, "tau": 0.5} for step in range(1, 38)]


@pytest.mark.parametrize("device", EVERY)
def test_a_loss_that_is_not_finite_is_refused_with_its_step(device: str) -> None:
    rows: list[dict] = []
    readings = Readings(rows.append, device=device)

    def train() -> None:
        for step in range(1, 40):
            readings.add({"step": step}, {"loss": torch.tensor(float("nan") if step > 2 else 1.0)})

    with pytest.raises(InputError, match="no longer finite at step 3"):
        train()
    assert [row["step"] for row in rows] == [1, 2]


def test_any_of_the_losses_is_refused_though_nobody_listens() -> None:
    readings = Readings(None, device="cuda")
    readings.add({"step": 1}, {"discriminator": torch.tensor(1.0), "generator": torch.tensor(float("inf"))})
    with pytest.raises(InputError, match="generator is no longer finite at step 1"):
        readings.read()

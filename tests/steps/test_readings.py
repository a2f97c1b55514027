"""Losses become numbers in the order of their steps, at once or some steps late."""

import pytest
import torch

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

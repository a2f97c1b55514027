"""A recorded step against the step itself, with a stand-in for the graph of a GPU."""

from functools import partial

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fusionmedclip.models.backbones.store import build_backbone
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.settings import ModelSettings, PromptSettings
from fusionmedclip.steps.captured import WARM, Recorded, Recording, captured
from fusionmedclip.training import fit
from fusionmedclip.training import optimiser as optimiser_module
from fusionmedclip.training.fit_settings import LossSettings, OptimiserSettings
from fusionmedclip.training.optimiser import make_optimiser
from tests.models.towers import vit_settings
from tests.steps import tape
from tests.steps.tape import READ_BACK


def stand_in(step, *batch) -> Recorded:
    """The same tensors in and out at each replay, and no step while it is recorded."""
    inputs, values = tuple(tensor.clone() for tensor in batch), {}

    def replay() -> None:
        for name, value in step(*inputs).items():
            values.setdefault(name, torch.empty_like(value)).copy_(value)

    return Recorded(inputs, values, replay)


def ramp(size: int, number: int) -> torch.Tensor:
    return torch.full((size, 3), float(number))


def test_what_is_replayed_sees_each_batch_and_keeps_no_value() -> None:
    seen: list[tuple[int, float, float]] = []

    def step(images, masks):
        seen.append((len(images), float(images[0, 0]), float(masks[0, 0])))
        return {"loss": images.sum()}

    recorded: list[int] = []

    def record(step, images, masks):
        recorded.append(len(images))
        return stand_in(step, images, masks)

    take, found = Recording(step, record), []
    sizes = [4, 4, 2] * 6  # the last batch of an epoch is smaller
    for number, size in enumerate(sizes):
        found.append(take(ramp(size, number), ramp(size, -number))["loss"])
    assert recorded == [4, 2]
    assert seen == [(size, number, -number) for number, size in enumerate(sizes)]
    assert [float(value) for value in found] == [3.0 * size * number for number, size in enumerate(sizes)]


def test_a_batch_of_any_tensors_is_recorded_by_all_their_shapes() -> None:
    take = Recording(lambda one, two, rate: {"sum": rate * (one.sum() + two.sum())}, tape.record)
    for number in range(12):
        one, two, rate = ramp(2, number), ramp(1 + number % 2, 1), torch.tensor(number / 2)
        assert float(take(one, two, rate)["sum"]) == number / 2 * (6 * number + 3 * (1 + number % 2))
    assert len(take._recorded) == 2


def test_the_tape_keeps_numbers_and_follows_tensors_as_a_graph_does() -> None:
    rates, state = iter(range(1, 20)), torch.zeros(())
    take = Recording(lambda one: {"state": state.add_(one.sum() * next(rates))}, tape.record)
    found = [float(take(torch.ones(1))["state"]) for _ in range(WARM + 3)]
    assert found == [1, 3, 6, 10, 14, 18]  # the rate of the recording again and again, and no step of its own


def test_what_cannot_be_recorded_is_taken_as_it_is_and_said_once(capsys) -> None:
    def refuse(step, images, masks):
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    take = Recording(lambda images, masks: {"loss": images.sum()}, refuse)
    found = [float(take(ramp(1, n), ramp(1, n))["loss"]) for n in range(3 * WARM)]
    assert found == [3.0 * n for n in range(3 * WARM)]
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "operation not permitted when stream is capturing" in said


def test_nothing_is_recorded_on_a_cpu_or_where_it_is_not_wanted() -> None:
    assert captured(stand_in, torch.device("cpu"), wanted=True) is stand_in
    assert captured(stand_in, torch.device("cuda"), wanted=False) is stand_in


def made() -> FusionModel:
    torch.manual_seed(0)
    return FusionModel(build_backbone(vit_settings()), ModelSettings(layers=(1, 2, 3)), seed=0)


class _Stream:
    """Drawn beforehand, so that a fit is all that is compared."""

    def __init__(self, side: int):
        draw = torch.Generator().manual_seed(1)
        self.images = torch.rand(20, 4, side, side, generator=draw).numpy()

    def batch(self, epoch: int, rows: list[int]):
        images = self.images[epoch][rows]
        return images, images > 0.9


@pytest.mark.parametrize("changed", [{}, {"stage2_epochs": 4}, {"batch_size": 3}])
def test_a_fit_of_recorded_steps_has_the_bits_of_one_that_is_not(monkeypatch, changed) -> None:
    """Dropout, a second optimiser half way, and a smaller last batch among them."""

    def fitted() -> FusionModel:
        model = made()
        optimiser = OptimiserSettings(**{"epochs": 8, "batch_size": 2, **changed})
        stream = _Stream(model.backbone.visual.image_size[0])
        return fit.fit_model(model, stream, k=4, loss=LossSettings(), optimiser=optimiser, seed=3)

    # On a GPU AdamW is `fused`: it counts its steps in tensors.
    monkeypatch.setattr(optimiser_module, "device_options", lambda _kind, _device: {"fused": True})
    plain, counted = fitted(), []

    def recording(step, _device, *, wanted):
        assert wanted
        return Recording(step, lambda *batch: counted.append(1) or tape.record(*batch))

    monkeypatch.setattr(fit, "captured", recording)
    replayed = fitted()
    assert counted
    for (name, one), (_, other) in zip(plain.named_parameters(), replayed.named_parameters(), strict=True):
        assert torch.equal(one, other), name


def test_rates_that_change_are_not_recorded(monkeypatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(fit, "captured", lambda step, _device, *, wanted: asked.append(wanted) or step)
    for schedule in ("cosine", "constant"):
        optimiser = OptimiserSettings(epochs=1, batch_size=4, schedule=schedule)
        model = made()
        stream = _Stream(model.backbone.visual.image_size[0])
        fit.fit_model(model, stream, k=4, loss=LossSettings(), optimiser=optimiser)
    assert asked == [False, True]


class _Refuse(TorchDispatchMode):
    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        assert operation.overloadpacket.__name__ not in READ_BACK, operation
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("form", ["coop", "phrases"])
def test_a_step_reads_nothing_back(form: str) -> None:
    torch.manual_seed(0)
    settings = ModelSettings(layers=(1, 2, 3), prompt=PromptSettings(form=form))
    model = FusionModel(build_backbone(vit_settings()), settings, seed=0).train()
    # AdamW counts its steps on the device where it is `fused`, as it is on a GPU.
    updates = make_optimiser(model.components(), OptimiserSettings())
    side = model.backbone.visual.image_size[0]
    batch = torch.rand(2, side, side), torch.rand(2, side, side) > 0.8
    step = partial(fit._step, model, updates, loss=LossSettings(), precision="float32")
    updates.step = lambda: None
    with _Refuse():
        values = step(*batch)
    assert values["loss"] > 0

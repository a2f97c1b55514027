"""The loop: what it visits, what it keeps, what it changes, and what it does not depend on."""

import numpy as np
import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.store import open_backbone
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.settings import ModelSettings
from fusionmedclip.settings import build
from fusionmedclip.synthesis import AnomalyStream
from fusionmedclip.training.fit import fit_model
from fusionmedclip.training.fit_settings import LearningRates, LossSettings, OptimiserSettings
from tests.training.towers import ROW5, SMALL, VIT, pictures

K = 5
FAST = LearningRates(lora=1e-2, block_adapter=1e-2)


class Stream(AnomalyStream):
    """Notes what it was asked for."""

    def __init__(self, seed: int = 0):
        super().__init__(pictures(K), seed=seed)
        self.asked: list[tuple[int, list[int]]] = []

    def batch(self, epoch, indices):
        self.asked.append((epoch, list(indices)))
        return super().batch(epoch, indices)


def make(model: dict = SMALL, seed: int = 0) -> FusionModel:
    return FusionModel(open_backbone(VIT), build(ModelSettings, model), seed=seed)


def fit(model: FusionModel, *, stream: Stream | None = None, epochs: int = 2, seed: int = 0, **more):
    optimiser = OptimiserSettings(epochs=epochs, batch_size=2, **more.pop("optimiser", {}))
    return fit_model(
        model, stream or Stream(seed), k=K, loss=LossSettings(), optimiser=optimiser, seed=seed, **more
    )


def trained(model: FusionModel) -> dict[str, bytes]:
    return {n: p.detach().numpy().tobytes() for ps in model.components().values() for n, p in ps.items()}


def test_every_epoch_visits_every_image_once_in_an_order_of_its_own() -> None:
    stream = Stream()
    fit(make(ROW5), stream=stream, epochs=3)
    assert [epoch for epoch, _ in stream.asked] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [len(indices) for _, indices in stream.asked] == [2, 2, 1] * 3
    orders = [[i for e, some in stream.asked if e == epoch for i in some] for epoch in range(3)]
    assert all(sorted(order) == list(range(K)) for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_frozen_weights_are_bit_identical_and_trained_ones_are_not() -> None:
    model = make()
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    start = trained(model)
    fit(model)
    names = {id(p): n for ps in model.components().values() for n, p in ps.items()}
    for name, parameter in model.named_parameters():
        if id(parameter) not in names:
            assert torch.equal(parameter, before[name]), name
            assert parameter.grad is None
    end = trained(model)
    assert [name for name in start if start[name] == end[name]] == []
    assert not model.training


def test_the_optimiser_holds_nothing_for_frozen_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def record(components, settings):
        made.append(original(components, settings))
        return made[0]

    from fusionmedclip.training import fit as module

    original = module.make_optimiser
    monkeypatch.setattr(module, "make_optimiser", record)
    model = make()
    fit(model)
    held = sum(t.numel() for s in made[0].state.values() for t in s.values() if t.ndim > 0)
    own = sum(p.numel() for ps in model.components().values() for p in ps.values())
    assert held == 2 * own - sum(p.ndim == 0 for ps in model.components().values() for p in ps.values())


def test_same_seed_same_bytes_another_seed_others() -> None:
    one, two, other = (trained(fit(make(seed=s), seed=s)) for s in (0, 0, 1))
    assert one == two
    assert all(one[name] != other[name] for name in one)


@pytest.fixture
def threads():
    kept = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(kept)


@pytest.mark.parametrize("count", [1, 2])
def test_torchs_own_generator_changes_nothing_at_any_count_of_threads(threads, count: int) -> None:
    threads(count)
    results = []
    for noise in (3, 4):
        torch.manual_seed(noise)
        results.append(trained(fit(make(), epochs=1)))
    assert results[0] == results[1]


def test_count_of_threads_moves_no_more_than_rounding(threads) -> None:
    """Sums are split by threads, so that bytes are promised for one count alone (``threads`` of a run)."""
    results = []
    for count in (1, 2):
        threads(count)
        rows = []
        fit(make(), epochs=1, progress=rows.append)
        results.append([row["loss"] for row in rows])
    np.testing.assert_allclose(*results, rtol=1e-4)


def test_dropout_is_keyed_by_step_not_by_what_was_drawn_before() -> None:
    """A visitor that draws between epochs must not move what follows."""

    def visit(_epoch: int, _model: FusionModel) -> None:
        torch.rand(17)

    assert trained(fit(make(), on_epoch=visit)) == trained(fit(make()))
    state = torch.get_rng_state()
    fit(make())
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("part", ["lora", "block_adapter"])
def test_dropout_of_each_part_alone_changes_the_training(part: str) -> None:
    """On a vision transformer on the CPU, where LoRA's layer is our own; the other part has none."""
    logs = []
    for rate in (0.0, 0.05, 0.5):
        rows: list[dict] = []
        parts = {"lora": {"dropout": 0.0}, "block_adapter": {"bottleneck": 4, "dropout": 0.0}}
        parts[part] = {**parts[part], "dropout": rate}
        fit(make({**SMALL, **parts}), progress=rows.append, optimiser={"learning_rates": FAST})
        logs.append([row["loss"] for row in rows])
    assert logs[0][0] == logs[1][0] == logs[2][0]  # both parts start as nothing added
    assert len({tuple(log[1:]) for log in logs}) == 3


def test_the_visitor_sees_each_epochs_model_ready_to_score() -> None:
    seen = []

    def visit(epoch: int, model: FusionModel) -> None:
        assert not torch.is_grad_enabled()
        seen.append((epoch, model.training, trained(model)))

    model = fit(make(ROW5), epochs=3, on_epoch=visit)
    assert [(epoch, training) for epoch, training, _ in seen] == [(1, False), (2, False), (3, False)]
    assert seen[0][2] != seen[1][2] != seen[2][2]
    assert seen[2][2] == trained(model)  # the last epoch is what remains


def test_progress_names_epoch_step_total_and_losses() -> None:
    rows = []
    fit(make(), progress=rows.append)
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["epoch"] for row in rows] == [1, 1, 1, 2, 2, 2]
    assert {row["steps"] for row in rows} == {6}
    for row in rows:
        assert row["loss"] == pytest.approx(row["image_loss"] + row["segmentation_loss"], abs=1e-6)
        assert "tau" not in row


def test_learnt_temperature_is_logged_and_kept_in_range() -> None:
    rows = []
    rate = LearningRates(temperature=5.0)
    model = make({**ROW5, "temperature": {"learnable": True, "minimum": 0.05, "maximum": 0.09}})
    fit(model, progress=rows.append, optimiser={"learning_rates": rate})
    taus = [row["tau"] for row in rows]
    assert all(0.05 <= round(tau, 6) <= 0.09 for tau in taus)
    assert any(round(tau, 6) in (0.05, 0.09) for tau in taus)


def test_loss_falls() -> None:
    rows = []
    rates = LearningRates(prompt=5e-3, alignment=5e-3)
    fit(make(ROW5), epochs=30, progress=rows.append, optimiser={"learning_rates": rates})
    losses = np.array([row["loss"] for row in rows])
    assert losses[-30:].mean() < 0.95 * losses[:30].mean()


def test_nothing_to_train_is_no_training() -> None:
    stream = Stream()
    manual = {"head": "gap", "lora": None, "block_adapter": None, "prompt": {"form": "manual"}}
    assert not fit(make(manual), stream=stream).training
    fit(make(), stream=stream, epochs=0)
    assert stream.asked == []


def test_bfloat16_trains_in_float32_parameters() -> None:
    rows: dict[str, list] = {"float32": [], "bfloat16": []}
    for precision, log in rows.items():
        model = fit(make(), precision=precision, progress=log.append)
        assert {p.dtype for ps in model.components().values() for p in ps.values()} == {torch.float32}
    first = [log[0]["loss"] for log in rows.values()]
    assert first[0] == pytest.approx(first[1], abs=0.02)
    assert first[0] != first[1]


def test_a_loss_that_is_no_number_is_an_error() -> None:
    model = make(ROW5)
    with torch.no_grad():
        model.alignment.layers[0].weight[0] = float("inf")
    with pytest.raises(InputError, match=r"(?s)no longer finite at step 1.*nan.*learning_rates"):
        fit(model)


def test_stage_2_trains_its_own_parts_and_stage_3_all_of_them() -> None:
    """Epochs 1 and 2 are Stage 2's alone; in the third LoRA and block adapters join."""
    model, seen = make(), []

    def visit(_epoch: int, trained_model: FusionModel) -> None:
        seen.append(trained(trained_model))

    start = trained(model)
    fit(model, epochs=3, optimiser={"stage2_epochs": 2, "learning_rates": FAST}, on_epoch=visit)
    late = {name for name in start if name.startswith(("lora", "block_adapters"))}
    moved = {name for name in start if name.endswith(("lora_B.default.weight", "3.weight"))}
    assert late
    for now in seen[:2]:
        assert all(now[name] == start[name] for name in late)
        assert any(now[name] != start[name] for name in start.keys() - late)
    assert all(seen[2][name] != start[name] for name in moved)


def test_stage_2_alone_is_row_5() -> None:
    """With every epoch in Stage 2 the parts of Stage 3 keep their start, at which they do nothing."""
    whole, row_5 = make(), make(ROW5)
    plain = {"learning_rates": LearningRates(), "stage2_epochs": 2}
    fit(whole, epochs=2, optimiser=plain)
    fit(row_5, epochs=2)
    ours, theirs = whole.components(), row_5.components()
    for name in ("prompt", "alignment"):
        for part, value in theirs[name].items():
            torch.testing.assert_close(ours[name][part], value, atol=1e-4, rtol=0)


def test_a_cosine_ends_slower_than_constant_rates() -> None:
    def last_move(schedule: str) -> float:
        model, seen = make(ROW5), []
        fit(
            model,
            epochs=4,
            optimiser={"schedule": schedule},
            on_epoch=lambda _e, m: seen.append(m.alignment.layers[0].weight.detach().clone()),
        )
        return float((seen[3] - seen[2]).abs().sum() / (seen[1] - seen[0]).abs().sum())

    assert last_move("cosine") < 0.5 * last_move("constant")

"""A training that is killed and started again ends with the bytes of one that was not."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from fusionmedclip.baselines import create, resuming
from fusionmedclip.models.checkpoints import Checkpoints
from fusionmedclip.models.detector import Detector
from fusionmedclip.randomness import generator
from fusionmedclip.steps import readings

STEPS, KILLED_AT = 7, 4
SETTINGS = {
    "anoddpm": {
        "image_size": 32, "channels": [8, 16], "attention": [False, True], "residual_blocks": 1,
        "norm_groups": 8, "steps": STEPS, "train_batch": 2,
    },
    "squid": {
        "image_size": 32, "width": 8, "queue_slots": 8, "matrix_slots": 8, "train_batch": 2, "steps": STEPS,
        "critic_steps": 2,
    },
    "regad": {
        "image_size": 64, "meta_steps": STEPS, "meta_batch": 2, "meta_shots": 1, "meta_source": "support",
    },
}  # fmt: skip
SUPPORT = generator("resuming").random((3, 32, 32), dtype=np.float32)


@pytest.fixture(params=SETTINGS)
def make(request):
    """Makes one and the same unfitted method again and again."""
    kind = request.param
    backbone = {"backbone": request.getfixturevalue("resnet")} if kind == "regad" else {}
    return lambda: create(kind, **backbone, **SETTINGS[kind])


def fit(detector: Detector, checkpoints: Checkpoints | None, *, killed: bool = False) -> list[dict]:
    log: list[dict] = []

    def progress(row):
        log.append(row)
        if killed and len(log) == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)

    detector.fit(SUPPORT, seed=3, progress=progress, checkpoints=checkpoints)
    return log


def files(detector: Detector, folder: Path) -> dict[str, bytes]:
    detector.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_killed_in_the_middle_it_ends_with_the_same_bytes(make, tmp_path, monkeypatch):
    monkeypatch.setattr(resuming, "EVERY", 0.0)
    whole = make()
    log = fit(whole, None)
    assert [row["step"] for row in log] == list(range(1, STEPS + 1))
    checkpoints = Checkpoints(tmp_path / "checkpoint", "this run")
    if (child := os.fork()) == 0:
        try:
            fit(make(), checkpoints, killed=True)
        finally:
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    begun = checkpoints.load()
    assert begun is not None
    assert len(begun[1]["rows"]) == KILLED_AT - 1
    again = make()
    assert fit(again, checkpoints) == log
    assert files(again, tmp_path / "again") == files(whole, tmp_path / "whole")


@pytest.mark.parametrize("make", ["anoddpm"], indirect=True)
def test_a_checkpoint_of_another_run_is_not_gone_on_from(make, tmp_path, monkeypatch):
    monkeypatch.setattr(resuming, "EVERY", 0.0)
    fit(make(), Checkpoints(tmp_path, "another run"))
    seen = []
    monkeypatch.setattr(resuming.Resuming, "_save", lambda self, _: seen.append(len(self._rows)))
    fit(make(), Checkpoints(tmp_path, "this run"))
    assert seen == list(range(1, STEPS + 1))


@pytest.mark.parametrize("make", ["anoddpm"], indirect=True)
def test_few_checkpoints_are_written(make, tmp_path):
    """None in ten minutes: a training of seconds pays nothing."""
    fit(make(), Checkpoints(tmp_path / "checkpoint", "this run"))
    assert not (tmp_path / "checkpoint").exists()


def test_a_checkpoint_knows_steps_whose_losses_were_read_late_and_no_draw_ahead(tmp_path, monkeypatch):
    """As on a GPU, where losses are read every sixteen steps; what was drawn ahead is drawn again."""
    monkeypatch.setattr(resuming, "EVERY", 0.0)
    monkeypatch.setitem(readings.EVERY, "cpu", 16)
    drawn, told, module = [], [], torch.nn.Linear(1, 1)

    def draw(step, item):
        drawn.append(step)
        return (np.array([item]),)

    def loop(stop: int) -> None:
        checkpoints = Checkpoints(tmp_path, "this run")
        steps = resuming.Resuming(
            {"module": module}, checkpoints=checkpoints, progress=told.append, device="cpu"
        )
        for step, (item,) in steps.steps([10, 11, 12, 13, 14], draw):
            if step == stop:
                return
            steps.done(step, {"loss": item[0] / 2})

    loop(3)
    assert len(told) == 3
    assert 3 in drawn
    drawn.clear()
    told.clear()
    loop(5)
    assert drawn == [3, 4]
    assert told == [{"step": n, "loss": (9 + n) / 2} for n in range(1, 6)]


def test_what_is_read_late_is_read_at_the_end():
    told = []
    steps = resuming.Resuming({}, progress=told.append, device="cuda")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resuming, "drawn_ahead", lambda calls, _: (call() for call in calls))
        for step, (item,) in steps.steps([1.0, 2.0, 4.0], lambda _, item: (torch.tensor(item),)):
            steps.done(step, {"loss": item})
            assert told == []
    assert [row["loss"] for row in told] == [1.0, 2.0, 4.0]

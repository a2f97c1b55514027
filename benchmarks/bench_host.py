"""What a training step costs its host, which bounds a GPU whose arithmetic is done before the next launch.

    python benchmarks/bench_host.py

A ViT of 24 blocks as ViT-L/14 has, but 32 channels wide on images of 56 pixels, so that arithmetic is little:
rows 5 and 6 of Table 8, k = 16, batch 4, the loop of `fit` as it runs. `operations` is what torch dispatches
in a step apart from views and allocations, each about one launch on a GPU. `host` is processor time
of a step over the whole loop, one thread, the less of two runs. `drawing` is the part of it that draws the
synthetic batch, which a thread of its own does while the step before computes. No time here is a GPU's.

Then the trained baselines, toys of `gpu_cells.py`, with fused optimisers: a step as it is, its arithmetic
included, and one whose recording replays nothing, so that what the host still does is left. Drawing in a
thread is part of both. On a GPU copies of the tensors of the batch come to that, and the launch of the graph.
"""

import time
from collections.abc import Callable
from importlib import import_module
from unittest.mock import patch

import numpy as np
import torch
from gpu_cells import Cell, phantoms
from rich.console import Console
from rich.table import Table
from torch.utils._python_dispatch import TorchDispatchMode

from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.settings import ModelSettings
from fusionmedclip.steps.captured import Recorded, Recording, Step
from fusionmedclip.synthesis import AnomalyStream
from fusionmedclip.training.fit import fit_model
from fusionmedclip.training.fit_settings import LossSettings, OptimiserSettings

SIDE, SHOTS, BATCH, EPOCHS = 56, 16, 4, 3
TOWERS = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": SIDE, "layers": 24, "width": 32, "head_width": 8, "patch_size": 14},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 4, "layers": 12},
}
ROWS = {"5 align adapter": {"lora": None, "block_adapter": None}, "6 FusionMedCLIP": {}}
BASELINES = ("simplenet", "cutpaste", "regad", "squid", "anoddpm")
NO_LAUNCH = ("empty", "new_empty", "empty_like", "empty_strided", "detach", "_local_scalar_dense")


class Count(TorchDispatchMode):
    """Operations that compute something."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.count += not operation.is_view and operation.overloadpacket.__name__ not in NO_LAUNCH
        return operation(*args, **(kwargs or {}))


class Timed(AnomalyStream):
    """A stream that adds up the time of its thread."""

    spent = 0.0

    def batch(self, *arguments):
        started = time.thread_time()
        try:
            return super().batch(*arguments)
        finally:
            self.spent += time.thread_time() - started


def fitted(row: dict, *, precision: str, epochs: int) -> tuple[float, float]:
    """Processor seconds of a step, and of drawing its batch."""
    backbone = build_backbone(BackboneSettings(model=TOWERS, image_size=SIDE))
    model = FusionModel(backbone, ModelSettings(layers=(12, 18, 24), **row), seed=0)
    stream = Timed(np.random.default_rng(0).random((SHOTS, SIDE, SIDE)).astype(np.float32))
    optimiser = OptimiserSettings(epochs=epochs, batch_size=BATCH)
    started = time.process_time()
    fit_model(model, stream, k=SHOTS, loss=LossSettings(), optimiser=optimiser, precision=precision)
    steps = optimiser.steps(SHOTS)
    return (time.process_time() - started) / steps, stream.spent / steps


def operations(row: dict, precision: str) -> int:
    """Of a step, as the difference of two epochs and one."""
    counts = []
    for epochs in (1, 2):
        with Count() as counted:
            fitted(row, precision=precision, epochs=epochs)
        counts.append(counted.count)
    return (counts[1] - counts[0]) * BATCH // SHOTS


def training(name: str, steps: int, *, recorded: bool) -> Callable[[], None]:
    """Of a baseline, to be called; with what a GPU changes apart from the graph itself."""
    module = import_module(f"fusionmedclip.baselines.{name}.detector")
    cell = Cell(name, name, name, small=True)
    detector = cell.made("cpu", **cell.trained_for(steps))
    if name == "simplenet":  # whose noise a GPU draws in the step
        drawn = detector._drawn
        detector._drawn = lambda *arguments: drawn(*arguments)[:1]
    support = phantoms("brain_mri", SHOTS, lesion=False, side=cell.side)
    gpu = {
        "device_options": lambda *_: {"fused": True},
        "rate_of": lambda optimiser, _: (torch.full((), optimiser.param_groups[0]["lr"]),),
        "captured": lambda step, *_, **__: Recording(step, _nothing) if recorded else step,
    }

    def fit() -> None:
        with patch.multiple(module, **{name: gpu[name] for name in gpu.keys() & vars(module).keys()}):
            detector.fit(support, seed=0, **cell.others())

    return fit


def _nothing(step: Step, *batch: torch.Tensor) -> Recorded:
    return Recorded(batch, step(*batch), lambda: None)


def a_step(name: str, *, recorded: bool) -> tuple[float, float]:
    """Operations and processor milliseconds, as the difference of a short training and a longer one."""
    counts, times, between = [], [], 400 if recorded else 16
    for steps in (16, 16 + between):
        call = training(name, steps, recorded=recorded)
        with Count() as counted:
            call()
        counts.append(counted.count)
        times.append(min(_seconds(training(name, steps, recorded=recorded)) for _ in range(2)))
    return (counts[1] - counts[0]) / between, 1e3 * (times[1] - times[0]) / between


def _seconds(call: Callable[[], None]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def main() -> None:
    torch.set_num_threads(1)
    title = "a step, 24 blocks of 32 channels"
    table = Table("row", "precision", "operations", "host, ms", "of which drawing, ms", title=title)
    for name, row in ROWS.items():
        for precision in ("float32", "bfloat16"):
            seconds, drawing = min(fitted(row, precision=precision, epochs=EPOCHS) for _ in range(2))
            figures = (operations(row, precision), f"{1e3 * seconds:.1f}", f"{1e3 * drawing:.1f}")
            table.add_row(name, precision, *map(str, figures))
    Console().print(table)
    title = "a step of a toy baseline"
    table = Table("method", "operations", "host, ms", "recorded: operations", "host, ms", title=title)
    for name in BASELINES:
        found = [*a_step(name, recorded=False), *a_step(name, recorded=True)]
        table.add_row(name, *(f"{value:.1f}" for value in found))
    Console().print(table)


if __name__ == "__main__":
    main()

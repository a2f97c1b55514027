"""A cell on two cores of a CPU, beside the loop that the parent, MediCLIP, publishes: one run, one machine.

    python benchmarks/bench_cpu.py            # five minutes

ViT-S/16 with random weights, phantoms of 224 pixels, k = 16, 400 steps of 8 images, 220 test images.
A fit is what the median of some steps makes of all of them, a score what 32 images make of 220. The published
loop evaluates all test images after each epoch: `published` is 400 steps in its setting (21
phrases, a context each) and 200 evaluations, as computed here. `times less` is that over a cell; `at most` is
what it would be if each of a step's floating-point operations, counted, took what it takes in a large matrix
product. Cells in bfloat16 are left out where the processor has no instructions for it: torch emulates them.
"""

import os
import time
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = "2"

import torch
from gpu_cells import SHOTS, phantoms
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from fusionmedclip.config import load_config, merge
from fusionmedclip.methods import OURS, make_method
from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone

THREADS, BAR = 2, 50
SIDE, BATCH, EPOCHS, STEPS, TEST, SCORED = 224, 8, 200, 400, 220, 32
WARM, MEASURED = 2, 6
SETTINGS = load_config(Path(__file__).parents[1] / "configs" / "variants.yaml")
TOWERS = {
    "embed_dim": 384,
    "quick_gelu": True,
    "vision_cfg": {"image_size": SIDE, "layers": 12, "width": 384, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 384, "heads": 6, "layers": 12},
}
CELLS = (
    ("row 6, float32", "fusionmedclip", "float32"),
    ("row 6, bfloat16", "fusionmedclip", "bfloat16"),
    ("row 5, float32", "align_adapter", "float32"),
    ("row 5, bfloat16", "align_adapter", "bfloat16"),
    ("parent's setting, float32", "mediclip", "float32"),
    ("parent's setting, bfloat16", "mediclip", "bfloat16"),
)


def made(method: str, precision: str, epochs: int):
    """Unfitted, over a tower of its own."""
    torch.manual_seed(0)
    backbone = build_backbone(BackboneSettings(model=TOWERS))
    changed = {"model": {"layers": [6, 9, 12]}, "precision": precision, "optimiser": {"epochs": epochs}}
    settings = merge(SETTINGS.method(method)["settings"], changed)
    return make_method(OURS, settings, backbone=backbone, device="cpu")


def measured(method: str, precision: str) -> tuple[float, float]:
    """Seconds of a step, and of scoring all test images."""
    marks: list[float] = []
    with arithmetic("cpu", precision=precision, deterministic=True):
        detector = made(method, precision, -(-(WARM + MEASURED + 1) // 2))
        support = phantoms("brain_mri", SHOTS, lesion=False, side=SIDE)
        detector.fit(support, seed=0, progress=lambda _: marks.append(time.perf_counter()))
        images = phantoms("brain_mri", SCORED, lesion=False, side=SIDE)
        detector.score(images[:8])
        began = time.perf_counter()
        detector.score(images)
        score = (time.perf_counter() - began) * TEST / SCORED
    steps = [after - before for before, after in zip(marks[WARM:], marks[WARM + 1 :], strict=False)]
    return median(steps), score


def counted(method: str, precision: str) -> float:
    """Floating-point operations of a step: what two epochs have more than one."""
    support = phantoms("brain_mri", SHOTS, lesion=False, side=SIDE)
    totals = []
    for epochs in (1, 2):
        with (
            arithmetic("cpu", precision=precision, deterministic=True),
            FlopCounterMode(display=False) as count,
        ):
            made(method, precision, epochs).fit(support, seed=0)
        totals.append(count.get_total_flops())
    return (totals[1] - totals[0]) / (SHOTS // BATCH)


def peak(precision: str) -> float:
    """Operations a second in a large matrix product."""
    one = torch.rand(2048, 2048, dtype=getattr(torch, precision))
    times = []
    for _ in range(5):
        began = time.perf_counter()
        one @ one
        times.append(time.perf_counter() - began)
    return 2 * 2048**3 / min(times)


def main() -> None:
    torch.set_num_threads(THREADS)
    native = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    cells = [cell for cell in CELLS if native or cell[2] == "float32"]
    shown = track(cells, description="measuring", console=Console(stderr=True))
    found = {
        name: (*measured(method, precision), counted(method, precision), peak(precision))
        for name, method, precision in shown
    }
    step, score, _, _ = found["parent's setting, float32"]
    published = STEPS * step + EPOCHS * score
    columns = (
        "cell",
        "a step, s",
        "GFLOP a step",
        "GFLOP/s at most",
        "score, s",
        "cell, s",
        "times less",
        "at most",
    )
    title = f"ViT-S/16, k = {SHOTS}, {THREADS} threads; published loop {published:,.0f} s; bar {BAR} times"
    sheet = Table(*columns, title=title)
    for name, (step, score, operations, rate) in found.items():
        cell, least = STEPS * step + score, STEPS * operations / rate + score
        times = f"{published / cell:.1f}", f"{published / least:.1f}"
        sheet.add_row(
            name,
            f"{step:.2f}",
            f"{operations / 1e9:.0f}",
            f"{rate / 1e9:.0f}",
            f"{score:.0f}",
            f"{cell:.0f}",
            *times,
        )
    Console(width=110).print(sheet)


if __name__ == "__main__":
    main()

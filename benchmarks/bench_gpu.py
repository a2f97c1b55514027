"""What the protocol costs a GPU, in at most eight minutes: table, step's profile, precisions, bytes, hours.

    python benchmarks/bench_gpu.py            # a GPU of 24 GB or more
    python benchmarks/bench_gpu.py --small    # a rehearsal on the CPU, toys in place of all networks

Weights are random and images phantoms: nothing is downloaded, no workflow runs. Methods are the protocol's,
k = 16, deterministic kernels, as in a run. A cell trains until its share of the time is over; `fit` is what
that makes of all its steps, `score` of 220 images. `before` is an H200 on 2026-11-25, torch 2.11. Precisions
are compared on row 6 trained for some steps.
"""

import argparse
import hashlib
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from typing import Any

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import numpy as np
import torch
from bench_host import Count
from gpu_cells import CELLS, FEW, PROTOCOL, SHOTS, Cell, phantoms, row
from rich.console import Console
from rich.table import Table

from fusionmedclip.methods import OURS
from fusionmedclip.metrics import image_auroc
from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.pipeline.costs import table as costs
from fusionmedclip.reporting.plan import plan

EVERY = 16
"""Steps between two looks at the clock: a GPU's losses are read that often."""
SHOWN, TRAINED, SEEDS = 220, 48, (0, 1)
MODALITY = "brain_mri"
KNOWN = {
    "row 6, float32": ("67", ""),
    "row 6, tf32": ("", "20"),
    "row 6, bfloat16": ("74", "10"),
    "row 5, float32": ("29", "6"),
    "patchcore": ("1.2", ""),
    "cutpaste": ("8", "4"),
    "simplenet": ("274", "20"),
    "regad": ("980", "120"),
    "squid": ("1107", "180"),
    "anoddpm": ("", ""),
    "regad, tf32": ("", ""),
    "squid, tf32": ("", ""),
    "anoddpm, tf32": ("", ""),
}
"""Seconds of a fit before and aimed at."""


class Enough(Exception):
    """A cell has had its share of the time."""


class Clock:
    """Told each step; looks at the time at every sixteenth, when the GPU is known to have come so far."""

    def __init__(self, seconds: float):
        self.seconds, self.step, self.marks = seconds, 0, []

    def __call__(self, _row: dict[str, float]) -> None:
        self.step += 1
        if self.step % EVERY == 0:
            self.marks.append((self.step, time.perf_counter()))
            if self.marks[-1][1] - self.marks[0][1] > self.seconds:
                raise Enough

    def step_s(self) -> float:
        """Of a step, the first sixteen left out."""
        (first, began), (last, ended) = self.marks[0], self.marks[-1]
        return (ended - began) / (last - first)


def device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def settled() -> float:
    """The time, when the device has done all it was given."""
    if device() == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


@contextmanager
def as_in_a_run(cell: Cell) -> Iterator[None]:
    with arithmetic(device(), precision=cell.precision, deterministic=True):
        yield


def support(cell: Cell) -> np.ndarray:
    return phantoms(MODALITY, SHOTS, lesion=False, side=cell.side)


def measured(cell: Cell, seconds: float) -> dict[str, float]:
    """Costs of one cell, as costs.yaml has them."""
    found: dict[str, float] = {}
    if device() == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with as_in_a_run(cell):
        if cell.steps():
            clock = Clock(seconds)
            with suppress(Enough):
                cell.made(device()).fit(support(cell), seed=0, progress=clock, **cell.others())
            found["step_s"] = clock.step_s()
            if hasattr(s := cell.settings(), "meta_steps"):  # whose time is counted by images
                found["image_s"] = found["step_s"] / (s.meta_batch * (1 + (s.meta_shots or SHOTS)))
        few = FEW.get(cell.kind, {})
        detector = cell.made(device(), **cell.trained_for(2), **few)
        began = settled()
        detector.fit(support(cell), seed=0, **cell.others())
        if not cell.steps():
            found["fit_s"] = settled() - began
        images = phantoms(MODALITY, 32, lesion=False, side=cell.side)
        detector.score(images[:2])
        began = settled()
        detector.score(images)
        back = cell.settings().test_timesteps / few["reverse_steps"] if few else 1
        found["score_s"] = (settled() - began) * back * SHOWN / len(images)
    if device() == "cuda":
        found["gpu_mb"] = torch.cuda.max_memory_allocated() / 1e6
    return found


def launches(cell: Cell) -> dict[str, float]:
    """Of a step, as the difference of sixteen steps and thirty-two."""
    counts = [_profiled(cell, steps) for steps in (EVERY, 2 * EVERY)]
    return {name: (counts[1][name] - counts[0][name]) / EVERY for name in counts[0]}


def _profiled(cell: Cell, steps: int) -> dict[str, float]:
    detector, count = cell.made(device(), **cell.trained_for(steps)), Count()
    busy, began = time.process_time(), settled()
    with as_in_a_run(cell):
        detector.fit(support(cell), seed=0, **cell.others())
    found = {"host_ms": 1e3 * (time.process_time() - busy), "wall_ms": 1e3 * (settled() - began)}
    detector = cell.made(device(), **cell.trained_for(steps))
    if device() == "cpu":
        with as_in_a_run(cell), count:
            detector.fit(support(cell), seed=0, **cell.others())
        return found | {"launches": count.count, "kernels_ms": float("nan")}
    with as_in_a_run(cell), torch.profiler.profile() as profile:
        detector.fit(support(cell), seed=0, **cell.others())
    events = profile.key_averages()
    launched = sum(e.count for e in events if "LaunchKernel" in e.key or "GraphLaunch" in e.key)
    return found | {"launches": launched, "kernels_ms": sum(e.self_device_time_total for e in events) / 1e3}


def agreement(cell: Cell, steps: int) -> dict[str, Any]:
    """Maps, AUROC and digest of what was trained, a seed each."""
    ill, healthy = (
        phantoms(MODALITY, TRAINED // 2, lesion=lesion, side=cell.side) for lesion in (True, False)
    )
    labels = np.repeat([1, 0], TRAINED // 2)
    found: dict[str, Any] = {"maps": [], "auroc": [], "digest": []}
    for seed in SEEDS:
        with as_in_a_run(cell):
            detector = cell.made(device(), **cell.trained_for(steps)).fit(support(cell), seed=seed)
            scores, maps = detector.score(np.concatenate([ill, healthy]))
        trained = [p.detach().cpu().numpy().tobytes() for p in detector._trained().values()]
        found["maps"].append(maps)
        found["auroc"].append(image_auroc(labels, scores))
        found["digest"].append(hashlib.sha256(b"".join([*trained, maps.tobytes()])).hexdigest())
    return found


def show_cells(cells: list[Cell], seconds: float, console: Console) -> dict[str, dict[str, float]]:
    columns = ("cell", "a step, ms", "steps", "fit, s", "before", "aim", "score, s", "memory, GB")
    shown, found = Table(*columns, title=f"k = {SHOTS}"), {}
    for cell in cells:
        f = found[cell.name] = measured(cell, seconds)
        step, fit = f.get("step_s"), f.get("fit_s", f.get("step_s", 0) * cell.steps())
        times = (f"{1e3 * step:.1f}" if step else "", f"{cell.steps():,}", f"{fit:.1f}")
        memory = f"{f['gpu_mb'] / 1e3:.1f}" if "gpu_mb" in f else ""
        shown.add_row(cell.name, *times, *KNOWN[cell.name], f"{f['score_s']:.1f}", memory)
    console.print(shown)
    return found


def show_profile(cells: list[Cell], console: Console) -> None:
    what = "kernel launches" if device() == "cuda" else "operations"
    shown = Table("a step of", what, "host, ms", "wall, ms", "kernels, ms", title="profile")
    for cell in cells:
        p = launches(cell)
        times = (f"{p[name]:.1f}" for name in ("host_ms", "wall_ms", "kernels_ms"))
        shown.add_row(cell.name, f"{p['launches']:,.0f}", *times)
    console.print(shown)


def show_agreement(cells: list[Cell], steps: int, console: Console) -> None:
    title = f"row 6 after {steps} steps, {TRAINED} phantoms, seeds {', '.join(map(str, SEEDS))}"
    columns = ("precision", "AUROC", "largest difference of maps", "mean", "correlation", "same bytes again")
    shown, exact = Table(*columns, title=title), None
    for cell in cells:
        a, again = agreement(cell, steps), agreement(cell, steps)
        maps = np.concatenate(a["maps"])
        exact = maps if exact is None else exact
        wrong = np.abs(maps - exact)
        aurocs = " ".join(f"{value:.4f}" for value in a["auroc"])
        alike = np.corrcoef(maps.ravel(), exact.ravel())[0, 1]
        same = "yes" if a["digest"] == again["digest"] else "NO"
        shown.add_row(
            cell.precision, aurocs, f"{wrong.max():.5f}", f"{wrong.mean():.6f}", f"{alike:.6f}", same
        )
    console.print(shown)


def show_hours(cells: list[Cell], found: dict[str, dict[str, float]], console: Console) -> None:
    """Of all runs, by `fusionmedclip plan` with what was measured here in place of its table."""
    console.print("lines of fusionmedclip/pipeline/costs.yaml, and the protocol with them:")
    kinds = costs()["kinds"]
    baselines = [cell for cell in cells if cell.kind != OURS and cell.precision == "tf32"]
    exact = [cell for cell in cells if cell.precision == "float32"]
    for taken, said in ((exact, ""), (baselines, ", RegAD, SQUID and AnoDDPM in TF32")):
        for cell in taken:
            times = {name: round(value, 6) for name, value in found[cell.name].items() if name != "gpu_mb"}
            console.print(f"  {cell.measured}: {times}")
            kinds[cell.measured] = kinds[cell.measured] | times
        if not taken:
            continue
        whole = plan(PROTOCOL)
        for name, part in whole.parts.items():
            hours = f"{part.hours:.1f} h, the longest {part.longest_h:.2f} h"
            console.print(f"  {name}: {part.runs} runs, {hours}")
        hours = f"{whole.network_hours:.1f} h"
        console.print(f"  one card, one run after another, starts included{said}: {hours}")


def where() -> str:
    name = torch.cuda.get_device_name() if device() == "cuda" else f"CPU, {torch.get_num_threads()} thread(s)"
    return f"{name}, torch {torch.__version__}, Python {platform.python_version()}, {date.today()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--small", action="store_true", help="toys in place of all networks")
    parser.add_argument("--seconds", type=float, help="training time of each cell (default 10; small: 0.5)")
    options, console, began = parser.parse_args(), Console(width=130), time.perf_counter()
    small = options.small or device() == "cpu"
    if device() == "cpu":
        torch.set_num_threads(1)
        console.print("No GPU here: toys, rehearsed on the CPU. No figure is a GPU's or the protocol's.")
    precisions = ("float32", "tf32", "bfloat16") if device() == "cuda" else ("float32", "bfloat16")
    cells = [replace(cell, small=small) for cell in CELLS if cell.precision in precisions]
    console.print(where())
    found = show_cells(cells, options.seconds or (0.5 if small else 10), console)
    sixes = [replace(row(6, precision), small=small) for precision in precisions]
    baselines = [cell for cell in cells if cell.kind != OURS and cell.steps() and cell.precision == "float32"]
    show_profile([*sixes, replace(row(5, "float32"), small=small), *baselines], console)
    show_agreement(sixes, 4 if small else 48, console)
    show_hours(cells, found, console)
    console.print(f"took {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()

"""Baselines at the offline tier's settings, nearest neighbours in a large memory, and simplex noise.

    python benchmarks/bench_baselines.py

Every row is a process of its own on one thread, so that its peak memory (libraries and inputs included) is
its own. "processor" is processor time, of which images a second and the bars are taken; "seconds" is wall
time, which other work on the machine lengthens. Methods: 16 phantoms of 224 pixels, then 32 scored; RegAD
learns from 32 phantoms of each of two other modalities. EfficientNet-Lite0 has its packaged ImageNet weights.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

SHOTS, TESTED, SIDE = 16, 32, 224
METHODS = ("patchcore", "simplenet", "squid", "anoddpm", "cutpaste", "regad")
RUN_BAR = 600
"""Seconds of one core that fitting and scoring BUSI's 748 images may take: a run of the offline tier."""
MEMORY, QUERIES, DIM = 100_000, 784, 1536
NEAREST_BAR = 0.15e9
"""Bytes beside memory, queries and libraries. All distances at once would be 0.31 GB."""
NOISE_BAR = 3e-3
OFFLINE = Path(__file__).parent.parent / "configs" / "offline.yaml"


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def phantoms(modality: str, count: int) -> np.ndarray:
    from fusionmedclip.data.phantoms import draw_phantom

    drawn = (draw_phantom(modality, size=SIDE, lesion=False, seed=0, index=i).image for i in range(count))
    return np.stack(list(drawn)).astype(np.float32)


def made(name: str):
    """The detector as the offline tier makes it."""
    from fusionmedclip.config import load_config
    from fusionmedclip.methods import make_method
    from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
    from fusionmedclip.settings import build

    config = load_config([OFFLINE.parent.parent / "config.yaml", OFFLINE])
    entry = config.method(name)
    backbone = None
    if entry["backbone"]:
        settings = config.backbone_settings(entry["backbone"])
        backbone = build_backbone(build(BackboneSettings, settings, where="backbone"))
    return make_method(entry["kind"], entry["settings"], backbone=backbone)


def method(name: str) -> dict[str, float]:
    detector = made(name)
    support, tested = phantoms("breast_ultrasound", SHOTS), phantoms("breast_ultrasound", TESTED)
    others = ("brain_mri", "chest_xray") if name == "regad" else ()
    more = {"meta": {other: phantoms(other, 32) for other in others}} if others else {}
    fit = timed(lambda: detector.fit(support, seed=0, **more))
    score = timed(lambda: detector.score(tested))
    return {
        "fit_wall": fit[0],
        "fit": fit[1],
        "score_wall": score[0],
        "rate": TESTED / score[1],
        "busi": fit[1] + 748 * score[1] / TESTED,
    }


def nearest() -> dict[str, float]:
    import torch

    from fusionmedclip.baselines.nearest import Nearest

    drawn = torch.Generator().manual_seed(0)
    memory, queries = (torch.randn(rows, DIM, generator=drawn) for rows in (MEMORY, QUERIES))
    before = peak_bytes()
    found = timed(lambda: Nearest(memory).squared_distances(queries))
    return {"wall": found[0], "processor": found[1], "bytes": peak_bytes() - before}


def noise() -> dict[str, float]:
    from fusionmedclip.baselines.anoddpm.simplex import SimplexNoise

    simplex = SimplexNoise(128)
    first = timed(lambda: [simplex.field("first", i) for i in range(64)])  # makes all slices
    rounds = [timed(lambda: [simplex.field("timed", i) for i in range(50)]) for _ in range(5)]
    wall, processor = (min(found[clock] for found in rounds) / 50 for clock in (0, 1))
    return {"wall": wall, "processor": processor, "first": first[1]}


CASES = {**{name: partial(method, name) for name in METHODS}, "nearest": nearest, "noise": noise}


def child(name: str) -> None:
    import torch

    torch.set_num_threads(1)
    found = CASES[name]()
    print(json.dumps({**found, "peak": peak_bytes()}))


def measure(name: str) -> dict[str, float]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, __file__, "--child", name]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def show_methods(found: dict[str, dict[str, float]], console: Console) -> None:
    table = Table(title=f"Offline settings, {SHOTS} phantoms of {SIDE} pixels, one thread")
    columns = ("method", "fit: seconds", "processor", "images/s", "a BUSI run", "bar", "peak memory")
    for column in columns:
        table.add_column(column, justify="left" if column == "method" else "right", no_wrap=True)
    for name, row in found.items():
        table.add_row(
            name, f"{row['fit_wall']:.1f}", f"{row['fit']:.1f}", f"{row['rate']:.1f}", f"{row['busi']:.0f} s",
            f"{RUN_BAR} s", f"{row['peak'] / 1e9:.2f} GB",
        )  # fmt: skip
    console.print(table)


def show_parts(nearest: dict[str, float], noise: dict[str, float], console: Console) -> None:
    table = Table("part", "seconds", "processor", "memory added", "bar", title="Parts")
    table.add_row(
        f"{QUERIES} neighbours in {MEMORY:,} x {DIM:,}", f"{nearest['wall']:.2f}",
        f"{nearest['processor']:.2f}", f"{nearest['bytes'] / 1e9:.2f} GB", f"{NEAREST_BAR / 1e9:.2f} GB",
    )  # fmt: skip
    table.add_row(
        "simplex noise, 128 x 128, a field", f"{noise['wall']:.5f}", f"{noise['processor']:.5f}", "",
        f"{NOISE_BAR} s",
    )  # fmt: skip
    table.add_row("  the slices it is drawn from, once", "", f"{noise['first']:.2f}", "", "")
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--child", choices=CASES, help="measure one row in this process and print JSON")
    options, console = parser.parse_args(), Console(width=130)
    if options.child:
        return child(options.child)
    with console.status("measuring"):
        found = {name: measure(name) for name in CASES}
    show_methods({name: found[name] for name in METHODS}, console)
    show_parts(found["nearest"], found["noise"], console)
    console.print(f"load of this machine while measuring: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return None


if __name__ == "__main__":
    main()

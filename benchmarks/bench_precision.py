"""What a precision changes in a table: runs of the demo again, in others, beside the same in float32.

    python benchmarks/bench_precision.py                       # after make demo; half an hour on two cores
    python benchmarks/bench_precision.py --methods squid anoddpm --budget squid=600 anoddpm=2000

``tf32`` is emulated on the CPU: the factors of every product (matrices, convolutions, attention, forward and
backward) are rounded to 10 bits of mantissa, added up in float32, as a GPU of compute capability 8.0 does.
``other order`` is float32 with torch's plain loops in place of vector units: what another machine changes.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch
from bench_scaling import ROOT, planned
from emulated_tf32 import TF32
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch.nn.attention import SDPBackend, sdpa_kernel

from fusionmedclip.methods import OURS
from fusionmedclip.metrics import PixelCounts, image_auroc

CONFIG, TARGET = "configs/demo.yaml", "all_tables"
RUN, LEARN = "run_method", "learn_from_others"
VARIANTS = ("float32", "other order", "tf32", "bfloat16")
OTHER_ORDER = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
TRAINED = ("fusionmedclip", "align_adapter", "simplenet", "cutpaste", "regad", "squid", "anoddpm")


def compute(job: dict, variant: str, budget: Mapping[str, int], out: Path) -> None:
    """One job of the demo again, its outputs below ``out``."""
    params = json.loads(job["params"][0])
    arguments, inputs = params["arguments"], dict(job["input"]["names"])
    settings = arguments["settings"]["method"]["settings"]
    if variant == "bfloat16":
        if arguments["settings"]["method"]["kind"] != OURS:
            raise SystemExit(
                f"{job['wildcards']['method']} has no bfloat16: --methods fusionmedclip align_adapter"
            )
        settings["precision"] = "bfloat16"
    if job["wildcards"]["method"] in budget:
        settings["steps"] = budget[job["wildcards"]["method"]]
    if "taught" in job:
        compute(job["taught"], variant, budget, out / "learnt")
        inputs["learnt"] = [str(out / "learnt" / Path(path).name) for path in inputs["learnt"]]
    out.mkdir(parents=True, exist_ok=True)
    outputs = {name: str(out / Path(path).name) for name, path in job["output"]["names"].items()}
    module, _, name = params["call"].partition(":")
    call = getattr(importlib.import_module(module), name)
    if variant == "tf32":
        torch.backends.mha.set_fastpath_enabled(False)
        with TF32(), sdpa_kernel(SDPBackend.MATH):
            call(**arguments, inputs=inputs, outputs=outputs)
    else:
        call(**arguments, inputs=inputs, outputs=outputs)


def run_apart(job: dict, variant: str, budget: Mapping[str, int], out: Path) -> None:
    """The same in a process of its own, in which libraries start with the variant's variables."""
    if (out / "scores.csv").exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    (out / "job.json").write_text(json.dumps({"job": job, "budget": dict(budget)}))
    words = [sys.executable, __file__, "--one", str(out / "job.json"), "--variants", variant]
    variables = OTHER_ORDER if variant == "other order" else {}
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{job['wildcards']} in {variant}\n{done.stderr}")


def figures(folder: Path) -> dict[str, Any]:
    """What is compared of a run: image AUROC, pixel AUROC, the maps drawn for figures."""
    scores = pd.read_csv(folder / "scores.csv")
    counts = PixelCounts.load(folder / "pixel_counts.npz")
    with np.load(folder / "examples.npz") as file:
        maps = file["maps"].astype(np.float64)
    return {
        "image": 100 * image_auroc(scores["label"], scores["score"]),
        "pixel": 100 * counts.auroc() if counts.positives else np.nan,
        "maps": maps.reshape(len(maps), np.prod(maps.shape[1:], dtype=int)),
    }


def correlation(ours: np.ndarray, others: np.ndarray) -> float:
    """Mean Pearson correlation of maps; NaN where there are none, or constant ones alone."""
    if not ours.size:
        return np.nan
    ours, others = (maps - maps.mean(1, keepdims=True) for maps in (ours, others))
    norms = np.sqrt((ours**2).sum(1) * (others**2).sum(1))
    return (
        float(((ours * others).sum(1)[norms > 0] / norms[norms > 0]).mean()) if (norms > 0).any() else np.nan
    )


def chosen(listed: list[dict], methods: list[str], datasets: list[str]) -> list[dict]:
    """Their runs, each with what was learnt ahead of it."""
    learn = {job["output"]["names"]["weights"]: job for job in listed if job["rule"] == LEARN}
    found = []
    for job in listed:
        w = job["wildcards"]
        if job["rule"] != RUN or w["method"] not in methods or w["dataset"] not in datasets:
            continue
        for path in job["input"]["names"].get("learnt", []):
            if path in learn:
                job["taught"] = learn[path]
        found.append(job)
    return found


def name_of(job: dict, budget: Mapping[str, int]) -> str:
    """One folder a run."""
    name = "-".join(job["wildcards"][name] for name in ("method", "dataset", "k", "seed"))
    return f"{name}-{budget.get(job['wildcards']['method'], '')}".rstrip("-")


def measure(asked: argparse.Namespace, folder: Path) -> None:
    jobs = chosen(planned(CONFIG, TARGET), asked.methods, asked.datasets)
    budget = {name: int(steps) for name, steps in (item.split("=") for item in asked.budget)}
    place = {
        (n, variant): folder / name_of(jobs[n], budget) / variant.replace(" ", "-")
        for n in range(len(jobs))
        for variant in ("float32", *asked.variants)
    }

    def one(key: tuple[int, str]) -> None:
        run_apart(jobs[key[0]], key[1], budget, place[key])

    console = Console(width=110)
    with ThreadPoolExecutor(asked.workers) as pool:
        for _ in track(pool.map(one, place), "Runs again", total=len(place), console=Console(stderr=True)):
            pass
    columns = ("method", "runs", "variant", "image AUROC", "differs: mean, most", "pixel AUROC", "maps")
    steps = ", ".join(asked.budget) or "the demo's"
    table = Table(
        *columns, title="the demo's runs, in points of 100", caption=f"steps: {steps}; maps: correlation"
    )
    by_method = defaultdict(list)
    for n, job in enumerate(jobs):
        by_method[job["wildcards"]["method"]].append(n)
    for method, runs in by_method.items():
        plain = [figures(place[n, "float32"]) for n in runs]
        table.add_row(method, str(len(runs)), "float32", f"{np.mean([run['image'] for run in plain]):.2f}")
        for variant in asked.variants:
            others = [figures(place[n, variant]) for n in runs]
            image, pixel = (
                [abs(b[level] - a[level]) for a, b in zip(plain, others, strict=True)]
                for level in ("image", "pixel")
            )
            close = np.mean([correlation(a["maps"], b["maps"]) for a, b in zip(plain, others, strict=True)])
            mean = np.mean([run["image"] for run in others])
            table.add_row(
                "", "", variant, f"{mean:.2f}", f"{np.mean(image):.2f}, {max(image):.2f}",
                f"{np.mean(pixel):.2f}, {max(pixel):.2f}", f"{close:.5f}",
            )  # fmt: skip
        table.add_section()
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=list(TRAINED), help="of the demo")
    parser.add_argument("--datasets", nargs="+", default=["brainmri", "busi", "chexpert"])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=["other order", "tf32"])
    parser.add_argument(
        "--budget", nargs="*", default=[], metavar="METHOD=STEPS", help="in place of the demo's"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--keep", type=Path, help="folder for the runs; those that lie there are not made again"
    )
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        given = json.loads(asked.one.read_text())
        compute(given["job"], asked.variants[0], given["budget"], asked.one.parent)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(asked, asked.keep or Path(folder))


if __name__ == "__main__":
    main()

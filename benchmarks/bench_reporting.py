"""Tables, figures and report of the whole protocol from finished metrics: what is left after the last run.

python benchmarks/bench_reporting.py            # forks of one warm process, as on one machine
python benchmarks/bench_reporting.py --cold     # a process of its own for every job

Phantoms of the protocol's counts stand in for patients; scores, metrics, maps and logs of every run of
config.yaml are made up, under the digests that the configuration asks for. Then Snakemake makes what lies
above them, a call for each target. Bar: 60 seconds on two cores for the three calls together, starts of
Snakemake and of jobs included.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml
from rich.console import Console
from rich.table import Table

from fusionmedclip.config import Config, load_config
from fusionmedclip.metrics import image_metrics
from fusionmedclip.provenance import digest, file_sha256
from fusionmedclip.reporting.rows import Run, rows_of, run_settings, runs_of

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
BAR_S = 60
POOL = {"chexpert": 250, "brainmri": 33, "busi": 32}
"""Normal images beside those of the test."""
PHANTOM_PIXELS = 64
"""Small, since phantoms are drawn before the clock starts; they are resized as patients' images would be."""
STEPS = 400
"""Lines of a made-up training log: 200 epochs of 16 images in batches of 8."""

# Rules that each target may run: all below them is there.
TARGETS = {
    "all_tables": ("build_row", "build_statistics", "build_table", "build_appendix"),
    "figures": (
        "draw_anomaly_maps",
        "draw_auroc_by_k",
        "draw_ablation_steps",
        "draw_ranks",
        "draw_roc_pr",
        "draw_score_histograms",
        "draw_cost_accuracy",
        "draw_training_curves",
        "draw_pretrain_curves",
        "draw_synthesis_gallery",
    ),
    "report": ("write_report",),
}


class Cost(NamedTuple):
    """Wall and processor seconds of Snakemake with all its jobs, and their number."""

    wall: float
    processor: float
    jobs: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cold", action="store_true", help="every job imports what it needs by itself")
    cold = parser.parse_args().cold
    with tempfile.TemporaryDirectory() as folder:
        overlay = write_overlay(Path(folder), warm=not cold)
        config = load_config([ROOT / "config.yaml", overlay])
        results = Path(folder, config.data["results"])
        runs = write_runs(config, results, overlay)
        costs = {target: build(overlay, [target], allowed=rules) for target, rules in TARGETS.items()}
        report = results / "report.html"
        size = report.stat().st_size / 2**20
        slow = slowest(results / "benchmarks", [rule for rules in TARGETS.values() for rule in rules])
    how = "each job by itself" if cold else "warm jobs"
    table = Table("what", "jobs", "wall", "bar", "processor", title=f"From {runs} finished runs, {how}")
    for target, cost in costs.items():
        table.add_row(target, f"{cost.jobs}", f"{cost.wall:.1f} s", "", f"{cost.processor:.1f} s")
    wall, processor, jobs = (sum(part) for part in zip(*costs.values(), strict=True))
    table.add_row("in all", f"{jobs}", f"{wall:.1f} s", f"{BAR_S} s", f"{processor:.1f} s")
    table.caption = f"report.html: {size:.1f} MiB"
    Console(width=130).print(table)
    table = Table("rule", "jobs", "together", "slowest", title="Wall time of the jobs, as Snakemake measured")
    for rule, seconds in slow:
        table.add_row(rule, f"{len(seconds)}", f"{sum(seconds):.1f} s", f"{max(seconds):.1f} s")
    Console(width=130).print(table)


def write_overlay(folder: Path, *, warm: bool) -> Path:
    """An overlay that puts phantoms in place of patients, as many as the protocol has."""
    protocol = load_config(ROOT / "config.yaml")
    datasets = {}
    for dataset, entry in protocol.data["datasets"].items():
        normal, abnormal = entry["test"]["normal"] + POOL[dataset], entry["test"]["abnormal"]
        counts = {"size": PHANTOM_PIXELS, "normal": normal, "abnormal": abnormal, "seed": 0}
        datasets[dataset] = {"source": {"kind": "phantoms", "modality": entry["profile"], **counts}}
    path = folder / "overlay.yaml"
    path.write_text(yaml.safe_dump({"warm_jobs": warm, "datasets": datasets}))
    return path


def write_runs(config: Config, results: Path, overlay: Path) -> int:
    """Data sets by the workflow itself, then every run and Stage 1 made up; return the count of runs."""
    tables = config.data["tables"]
    runs = runs_of(config, [cell for t in tables for row in rows_of(config, t).values() for cell in row])
    seed = config.data["seeds"][0]
    largest = max(run.k for run in runs)
    shown = {run for run in runs if (run.k, run.seed) == (largest, seed)}
    build(overlay, data_files(config, f"{config.data['split']}/k{largest}_seed{seed}.csv"))
    rows = {dataset: example_rows(config, dataset, results) for dataset in config.data["datasets"]}
    for index, run in enumerate(runs):
        write_run(config, run, results, index)
        if run in shown:
            write_examples(config, run, results, rows[run.dataset])
        if config.method(run.method)["kind"] == "fusionmedclip":
            write_log(results / "runs" / run.path / "training_log.csv", index)
    for name in config.data["backbones"]:
        if config.backbone(name)["stage1"]:
            write_stage1(results / "backbones" / name, config.backbone(name)["stage1"]["settings"])
    return len(runs)


def data_files(config: Config, support: str) -> list[str]:
    """What figures and report read of the data sets."""
    results = config.data["results"]
    names = ("manifest.csv", "images.npy", "masks.npy", "curation.json", "datasheet.json")
    found = []
    for dataset in config.data["datasets"]:
        found += [f"{results}/datasets/{dataset}/{name}" for name in names]
        found.append(f"{results}/support/{dataset}/{support}")
    return found


def example_rows(config: Config, dataset: str, results: Path) -> np.ndarray:
    """Rows of the manifest whose maps are made up, two thirds abnormal."""
    labels = pd.read_csv(results / "datasets" / dataset / "manifest.csv")["label"].to_numpy()
    count = config.data["examples"]
    normal, abnormal = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
    return np.concatenate([abnormal[: count - count // 3], normal[: count // 3]])


def write_run(config: Config, run: Run, results: Path, seed: int) -> None:
    """Scores and metrics of one run."""
    test = config.dataset(run.dataset)["test"]
    labels = np.repeat([0, 1], [test["normal"], test["abnormal"]])
    rng = np.random.default_rng(seed)
    scores = 1 / (1 + np.exp(-rng.normal(labels * rng.uniform(0.5, 2.5))))
    folder = results / "scores" / run.path
    folder.mkdir(parents=True)
    names = [f"image_{index:04}.png" for index in range(len(labels))]
    table = pd.DataFrame({"image_id": names, "label": labels, "score": scores})
    table.to_csv(folder / "scores.csv", index=False)
    metrics = {name: value for name, value in image_metrics(labels, scores).items() if value is not None}
    metrics |= {f"pixel_{name}": float(rng.uniform(0.5, 1)) for name in ("auroc", "ap", "aupro")}
    settings = run_settings(config, run)
    inputs = {str((folder / "scores.csv").relative_to(results.parent)): file_sha256(folder / "scores.csv")}
    record = {
        "metrics": metrics,
        "settings": settings,
        "settings_digest": digest(settings),
        "provenance": {"commit": None, "dirty": False, "device": "made up", "python": "3", "packages": {}}
        | {"inputs": inputs},
        "trained_parameters": {"all": int(rng.integers(1, 10**6))},
        "timing": {"fit_s": rng.uniform(1, 600), "score_s": 5.0, "images_per_s": rng.uniform(10, 100)},
        "memory": {"peak_bytes": int(rng.integers(1, 8) * 2**30)},
    }
    path = results / "metrics" / f"{run.path}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))


def write_examples(config: Config, run: Run, results: Path, rows: np.ndarray) -> None:
    """Maps of a run's examples."""
    side = config.data["image_size"]
    grid = np.linspace(0, 4, side)
    maps = [np.outer(np.sin(grid + row), np.cos(grid * (1 + row % 3))) for row in rows]
    np.savez(results / "scores" / run.path / "examples.npz", rows=rows, maps=np.asarray(maps, np.float16))


def write_log(path: Path, seed: int) -> None:
    """A loss that falls."""
    steps = np.arange(STEPS)
    loss = np.exp(-steps / 100) + np.random.default_rng(seed).uniform(0, 0.2, STEPS)
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"epoch": steps // 2, "step": steps, "loss": loss}).to_csv(path, index=False)


def write_stage1(folder: Path, settings: dict) -> None:
    """The curves of Stage 1."""
    names = [f"{way}_r{k}" for way in ("image_to_text", "text_to_image") for k in (1, 5, 10)]
    lines = []
    for epoch in range(settings["max_epochs"] + 1):
        lines += [(epoch, split, "loss", 3 / (1 + epoch), 3.2) for split in ("train", "validation")]
        lines += [(epoch, "validation", name, epoch / 100, 0.01) for name in names]
    folder.mkdir(parents=True)
    columns = ["epoch", "split", "metric", "value", "chance"]
    pd.DataFrame(lines, columns=columns).to_csv(folder / "retrieval.csv", index=False)


def build(overlay: Path, targets: Sequence[str], *, allowed: Iterable[str] = ()) -> Cost:
    """Make some targets; with ``allowed``, by no other rules."""
    folder = overlay.parent
    command = [SNAKEMAKE, "--cores", "2", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += ["--workflow-profile", ROOT / "profiles" / "default", "--configfile", overlay]
    command += ["--allowed-rules", *allowed, *targets] if allowed else []
    before, started = os.times(), time.perf_counter()
    done = subprocess.run([*command, "--", *targets], capture_output=True, text=True, cwd=folder)
    wall, after = time.perf_counter() - started, os.times()
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(wall, spent, (done.stdout + done.stderr).count("Finished jobid"))


def slowest(folder: Path, rules: Iterable[str]) -> list[tuple[str, list[float]]]:
    """Seconds of each rule's jobs, the rule that took longest first."""
    found = {}
    for rule in rules:
        files = [*folder.glob(f"{rule}.tsv"), *folder.glob(f"{rule}/**/*.tsv")]
        found[rule] = [float(pd.read_csv(file, sep="\t")["s"].iloc[0]) for file in files]
    return sorted(found.items(), key=lambda item: -sum(item[1]))


if __name__ == "__main__":
    main()

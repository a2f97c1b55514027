"""Tables, figures and report of the whole protocol from finished runs: what is left after the last of them.

python benchmarks/bench_reporting.py            # forks of one warm process, as on one machine
python benchmarks/bench_reporting.py --cold     # a process of its own for every job

Phantoms of the protocol's counts stand in for patients; scores, metrics, maps and logs of every run of
config.yaml are made up, under the digests that the configuration asks for. Then Snakemake makes what lies
above them, a call for each target. Bar: 60 seconds on two cores for the calls together, starts of
Snakemake and of jobs included.
"""

import argparse
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
from made_up_runs import write_backbone, write_examples, write_log, write_run
from rich.console import Console
from rich.table import Table

from fusionmedclip.config import Config, load_config
from fusionmedclip.reporting.figures.catalogue import FIGURES
from fusionmedclip.reporting.tables.rows import rows_of, runs_of

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
BAR_S = 60
POOL = {"chexpert": 250, "brainmri": 33, "busi": 32}
"""Normal images beside those of the test."""
PHANTOM_PIXELS = 64
"""Small, since phantoms are drawn before the clock starts; they are resized as patients' images would be."""

# Rules that each target may run: all below them is there.
TARGETS = {
    "all_tables": ("build_row", "build_statistics", "build_table", "build_appendix"),
    "figures": tuple(f"draw_{kind}" for kind in FIGURES),
    "results/verification.json": ("verify_results",),
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
    for name in config.data["backbones"]:
        write_backbone(results / "backbones" / name, config.backbone(name)["stage1"])
    for index, run in enumerate(runs):
        if run in shown:
            write_examples(config, run, results, rows[run.dataset])
        if config.method(run.method)["kind"] == "fusionmedclip":
            write_log(results / "runs" / run.path / "training_log.csv", index)
        write_run(config, run, results, index)
    return len(runs)


def data_files(config: Config, support: str) -> list[str]:
    """What figures and report read of the data sets."""
    results = config.data["results"]
    names = ("manifest.csv", "images.npy", "masks.npy", "statistics.csv", "curation.json", "datasheet.json")
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

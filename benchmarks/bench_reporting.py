"""Tables of the whole protocol from finished metrics: what is left to do when the last run has ended.

python benchmarks/bench_reporting.py

Metrics and scores of every run of config.yaml are made up, under the digests that the configuration asks for,
in a folder of their own; then Snakemake makes everything above them. Bar: all tables, figures and the report
from about 300 finished metrics within 60 seconds on two cores, starts of jobs included.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from fusionmedclip.config import Config, load_config
from fusionmedclip.metrics import image_metrics
from fusionmedclip.provenance import digest
from fusionmedclip.reporting.rows import Run, rows_of, run_settings, runs_of

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
BAR_S = 60
POOL = {"chexpert": 250, "brainmri": 33, "busi": 32}
"""Normal images beside those of the test."""

# Rules that may run: all below them is made up. Figures and the report join here, with their own inputs.
TARGETS = ("all_tables",)
RULES = ("build_row", "build_statistics", "build_table", "build_appendix", "all_tables")


def main() -> None:
    config = load_config(ROOT / "config.yaml")
    cells = [
        cell for table in config.data["tables"] for row in rows_of(config, table).values() for cell in row
    ]
    runs = runs_of(config, cells)
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, config.data["results"])
        for dataset in config.data["datasets"]:
            write_manifest(config, dataset, results)
        for index, run in enumerate(runs):
            write_run(config, run, results, index)
        wall, spent, jobs = build(folder)
    table = Table("what", "measured", "bar", title="From finished metrics, two cores")
    what = f"{', '.join(TARGETS)} from {len(runs)} runs, {jobs} jobs, wall time"
    table.add_row(what, f"{wall:.1f} s", f"{BAR_S} s")
    table.add_row("the same, processor time", f"{spent:.1f} s", "")
    Console(width=130).print(table)


def write_manifest(config: Config, dataset: str, results: Path) -> None:
    """Labels alone: what tables read of a manifest."""
    test = config.dataset(dataset)["test"]
    labels = [0] * (test["normal"] + POOL[dataset]) + [1] * test["abnormal"]
    path = results / "datasets" / dataset / "manifest.csv"
    path.parent.mkdir(parents=True)
    pd.DataFrame({"image_id": range(len(labels)), "label": labels}).to_csv(path, index=False)


def write_run(config: Config, run: Run, results: Path, seed: int) -> None:
    """Scores and metrics of one run, made up."""
    test = config.dataset(run.dataset)["test"]
    labels = np.repeat([0, 1], [test["normal"], test["abnormal"]])
    rng = np.random.default_rng(seed)
    scores = 1 / (1 + np.exp(-rng.normal(labels * rng.uniform(0.5, 2.5))))
    folder = results / "scores" / run.path
    folder.mkdir(parents=True)
    names = [f"image_{index:04}.png" for index in range(len(labels))]
    pd.DataFrame({"image_id": names, "label": labels, "score": scores}).to_csv(
        folder / "scores.csv", index=False
    )
    metrics = {name: value for name, value in image_metrics(labels, scores).items() if value is not None}
    metrics |= {f"pixel_{name}": float(rng.uniform(0.5, 1)) for name in ("auroc", "ap", "aupro")}
    settings = run_settings(config, run)
    record = {"metrics": metrics, "settings": settings, "settings_digest": digest(settings)}
    path = results / "metrics" / f"{run.path}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))


def build(folder: str) -> tuple[float, float, int]:
    """Wall and processor seconds of Snakemake and all its jobs, and their number."""
    profile = ROOT / "profiles" / "default"
    command = [SNAKEMAKE, "--cores", "2", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += ["--workflow-profile", profile, "--allowed-rules", *RULES, "--", *TARGETS]
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    wall, after = time.perf_counter() - started, os.times()
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, spent, (done.stdout + done.stderr).count("Finished jobid")


if __name__ == "__main__":
    main()

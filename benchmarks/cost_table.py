"""What each method costs beside what it reaches, in Markdown: ``python benchmarks/cost_table.py RESULTS``.

Reads the runs below RESULTS, as configs/cost.yaml makes them; a line a method, the best first. "job" is the
processor time of a whole run: start, images, fit, scores (and PatchCore's fits on four parts of the support
set), which other work on the machine does not lengthen as it does the seconds of the clock. Where features
come from the store, the tower counts in none of them: the last column says where.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pandas as pd

from fusionmedclip.methods import reads_features
from fusionmedclip.metrics import image_auroc

COLUMNS = ("fit, s", "score, ms an image", "job, processor s", "peak memory, GiB", "trained parameters")


def read(results: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Records of each method on each data set, one a run, with costs and AUROC."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(results.glob("runs/*/*/*/k*/seed*/provenance.json")):
        run = path.parent.relative_to(results / "runs")
        dataset, _, method = run.parts[:3]
        record = json.loads(path.read_text())
        scores = pd.read_csv(results / "scores" / run / "scores.csv")
        job = pd.read_csv(results / "benchmarks/run_method" / run.with_suffix(".tsv"), sep="\t")
        timing = record["timing"]
        costs = [
            timing["fit_s"],
            1000 / timing["images_per_s"],
            float(job["cpu_time"].iloc[0]),
            record["memory"]["peak_bytes"] / 2**30,
            float(sum(record["trained_parameters"].values())),
        ]
        auroc = image_auroc(scores["label"], scores["score"])
        found[method][dataset].append({**record, "costs": costs, "auroc": auroc})
    return found


def line(method: str, by_dataset: dict[str, list[dict[str, Any]]], datasets: list[str]) -> list[str]:
    """Cells of a method: the AUROC of each data set, and its costs on each, joined by a slash."""
    runs = [run for name in datasets for run in by_dataset.get(name, [])]
    kept = runs[0]["settings"]["method"]
    stored = reads_features(kept["kind"], kept.get("settings", {}))
    aurocs = [
        " / ".join(f"{100 * run['auroc']:.1f}" for run in by_dataset.get(name, [])) or "-"
        for name in datasets
    ]
    costs = [
        " / ".join(dict.fromkeys(format(run["costs"][place], form) for run in runs))
        for place, form in enumerate((".1f", ".0f", ".0f", ".2f", ",.0f"))
    ]
    return [method, *aurocs, *costs, "store" if stored else "own"]


def main(results: Path) -> None:
    found = read(results)
    if not found:
        sys.exit(f"no runs below {results}: configs/cost.yaml says how they are made")
    datasets = sorted({dataset for of_one in found.values() for dataset in of_one})
    head = ["method", *(f"AUROC, {name}" for name in datasets), *COLUMNS, "features"]
    rows = [line(method, found[method], datasets) for method in found]
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in sorted(
        rows, key=lambda row: [-float(c.split(" / ")[0]) if c != "-" else 0.0 for c in row[1:2]]
    ):
        print("| " + " | ".join(row) + " |")
    made = next(run for of_one in found.values() for runs in of_one.values() for run in runs)["environment"]
    print(f"\ncommit {made['commit'][:7]}, {made['device']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

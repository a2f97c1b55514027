"""What each method costs beside what it reaches, in Markdown: ``python benchmarks/cost_table.py RESULTS``.

Reads the metrics files of RESULTS, as configs/cost.yaml makes them; a line a method, the best first. Seconds
are of the clock, so of a machine with nothing else to do. Where features come from the store, the tower does
not count in ``score``: the last column says where.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from fusionmedclip.methods import reads_features
from fusionmedclip.reporting.figures.cost_accuracy import cost_of


def read(results: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Metrics of each method on each data set, one a run."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(results.glob("metrics/*/*/*/k*/seed*.json")):
        dataset, _, method = path.relative_to(results / "metrics").parts[:3]
        found[method][dataset].append(json.loads(path.read_text()))
    return found


def line(method: str, by_dataset: dict[str, list[dict[str, Any]]], datasets: list[str]) -> list[str]:
    """Cells of a method: costs over all data sets, the AUROC of each."""
    runs = [run for of_one in by_dataset.values() for run in of_one]
    costs = [cost_of(run) for run in runs]

    def mean(name: str) -> float:
        return sum(cost[name] for cost in costs) / len(costs)

    kept = runs[0]["settings"]["method"]
    stored = reads_features(kept["kind"], kept.get("settings", {}))
    cells = [
        f"{mean('fit'):.1f}",
        f"{mean('score'):.1f}",
        f"{mean('memory'):.2f}",
        f"{mean('parameters'):,.0f}",
    ]
    for dataset in datasets:
        values = [run["metrics"]["image_auroc"] for run in by_dataset.get(dataset, [])]
        cells.append(f"{100 * sum(values) / len(values):.1f}" if values else "-")
    return [method, *cells, "stored" if stored else "own"]


def main(results: Path) -> None:
    found = read(results)
    if not found:
        sys.exit(f"no metrics below {results}: configs/cost.yaml says how they are made")
    datasets = sorted({dataset for of_one in found.values() for dataset in of_one})
    head = ["method", "fit, s", "score, ms an image", "peak memory, GiB", "trained parameters"]
    rows = [line(method, found[method], datasets) for method in found]
    print("| " + " | ".join([*head, *(f"AUROC, {name}" for name in datasets), "features"]) + " |")
    print("|" + " --- |" * (len(head) + len(datasets) + 1))
    for row in sorted(rows, key=lambda row: -float(row[5]) if row[5] != "-" else 0.0):
        print("| " + " | ".join(row) + " |")
    machine = next(iter(next(iter(found.values())).values()))[0]["provenance"]
    print(f"\ncommit {machine.get('commit', '?')[:7]}, {machine.get('device', '?')}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The same very often: predictions in one process, runs in one graph, pictures listed; status 1 at a leak.

python benchmarks/soak.py [--predictions 500] [--runs 200] [--pictures 20000]
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.held import Change
from tests.soak import list_many, predict_often, run_often

MEMORY = 0.5
"""GB that the manifest of 20,000 pictures and its curation may take."""


def line(what: str, change: Change) -> str:
    """One row of the table."""
    early, late = change.early, change.late
    pairs = [f"{getattr(early, n)}, {getattr(late, n)}" for n in ("files", "threads", "children")]
    memory = f"{early.memory / 1e6:.1f}, {late.memory / 1e6:.1f} ({change.growth:+.1%})"
    return f"| {what} | {memory} | {' | '.join(pairs)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predictions", type=int, default=500)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--pictures", type=int, default=20_000)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    began, flat = time.monotonic(), True
    print("| process | MB, early and late | files | threads | children |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch).resolve()
        found = {}
        if options.runs:
            found = run_often(home / "runs", options.runs)
        for name, seen in found.items():
            change = Change.of(seen)
            print(line(f"{name}, {options.runs} runs in one graph", change), flush=True)
            flat &= change.is_flat
        if options.predictions:
            (home / "predictions").mkdir()
            change = Change.of(predict_often(home / "predictions", options.predictions))
            print(line(f"{options.predictions} predictions", change), flush=True)
            flat &= change.is_flat
        if options.pictures:
            listed, curated = list_many(home / "pictures", options.pictures)
            print(f"{options.pictures} pictures: {listed / 1e9:.2f} GB, with curation {curated / 1e9:.2f} GB")
            flat &= curated <= MEMORY * 1e9
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())

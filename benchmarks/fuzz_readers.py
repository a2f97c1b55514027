"""Damage thousands of files and read each: a table of how that ended, and exit status 1 at any fault.

python benchmarks/fuzz_readers.py [--each 400] [--seed 0] [--workers 2] [--only NAME ...] [--keep FOLDER]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.fuzz.harness import FAULTS, OUTCOMES, Trial, counts, fuzz
from tests.fuzz.targets import targets


def table(trials: list[Trial]) -> str:
    """Markdown: one line a reader, one column an outcome, and the sum."""
    head = ("reader", "files", *OUTCOMES)
    found = counts(trials)
    rows = [(name, sum(c.values()), *(c[o] for o in OUTCOMES)) for name, c in found.items()]
    rows.append(("all", *(sum(column) for column in list(zip(*rows, strict=True))[1:])))
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=400, help="damaged files for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], choices=[target.name for target in targets()])
    parser.add_argument("--keep", type=Path, help="empty folder for files that led to a fault")
    options = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        trials = fuzz(
            options.keep or Path(scratch),
            each=options.each, seed=options.seed, workers=options.workers, only=options.only,
        )  # fmt: skip
        faults = [trial for trial in trials if trial.outcome in FAULTS]
        for trial in faults:
            print(
                f"{trial.target} {trial.index}: {trial.outcome}: {trial.file}\n{trial.detail}\n",
                file=sys.stderr,
            )
    print(table(trials))
    print(f"{len(trials)} files in {time.perf_counter() - started:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())

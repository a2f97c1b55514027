"""The workflow itself: planning the whole protocol, the demo from nothing, the demo again.

python benchmarks/bench_workflow.py            # planning and, if the demo has run, its second run
python benchmarks/bench_workflow.py --demo     # also the demo from nothing, in a folder of its own
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")


def seconds(*arguments: str, repeats: int = 1) -> float:
    """Fastest wall time of a Snakemake call, seconds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        subprocess.run([SNAKEMAKE, "--cores", "2", *arguments], cwd=ROOT, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demo", action="store_true", help="run the demo from nothing (minutes)")
    table = Table("what", "measured", "bar", title="Workflow, two cores, wall time")
    table.add_row(
        "plan config.yaml: snakemake -n all_tables", f"{seconds('-n', 'all_tables', repeats=3):.1f} s", "10 s"
    )
    demo = ["--configfile", "configs/demo.yaml"]
    if parser.parse_args().demo:
        with tempfile.TemporaryDirectory() as scratch:
            fresh = [*demo, "--config", f"results={scratch}/demo"]
            table.add_row("demo from nothing, after set-up", f"{seconds(*fresh):.0f} s", "300 s")
            table.add_row("demo again: nothing to do", f"{seconds(*fresh, repeats=3):.1f} s", "15 s")
    elif (ROOT / "results/demo/report.html").exists():
        table.add_row("demo again: nothing to do", f"{seconds(*demo, repeats=3):.1f} s", "15 s")
    Console(width=130).print(table)


if __name__ == "__main__":
    main()

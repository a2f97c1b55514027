"""Hours of the protocol on 1, 8, 16 and 64 GPUs: its jobs, as Snakemake plans them, on paper.

    python benchmarks/bench_scaling.py
    python benchmarks/bench_scaling.py --measured results/demo/benchmarks --configfile configs/demo.yaml

Runs, and what is learnt ahead of them, take what `fusionmedclip/pipeline/costs.yaml` says; features a minute;
all other jobs what SECONDS says. Stage 1 was never measured: `--stage1 HOURS`. With `--measured` a job takes
what Snakemake's benchmark file says, on `--cores` cores, to be held against a run that one has timed. A job
starts when its inputs are there and its GPU or core is free, those first that most work waits for; data and
weights are at hand, and a scheduler's queue is not counted.
"""

import argparse
import csv
import heapq
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from fusionmedclip.config import load_config
from fusionmedclip.pipeline.costs import cost_of, learnt_cost_of

ROOT = Path(__file__).resolve().parents[1]
FEATURES = 60.0
SECONDS = {"list_dataset": 8.0, "make_backbone": 10.0, "make_trunk": 10.0, "verify_results": 60.0}
"""Of jobs that take more than a second or two: the demo's; the check of the protocol's size is a guess."""
SHORT = 1.0


@dataclass
class Job:
    """One job of the graph: seconds, whether a GPU computes it, and the jobs whose files it reads."""

    name: str
    seconds: float
    gpu: bool
    needs: set[int]


def planned(configfile: str, target: str) -> list[dict]:
    """All jobs of a target, whether or not their files are there."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "jobs.json")
        words = [sys.executable, ROOT / "tests/workflow/list_jobs.py", out, configfile, target]
        done = subprocess.run([*map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return json.loads(out.read_text())["jobs"]


def graph(listed: list[dict], seconds: Callable[[dict], float]) -> list[Job]:
    """Jobs with those that they wait for, by their place."""
    makers = {path: n for n, job in enumerate(listed) for path in job["output"]["files"]}
    return [
        Job(
            job["rule"],
            seconds(job),
            bool(job["resources"].get("gpu")),
            {makers[path] for path in job["input"]["files"] if path in makers},
        )
        for job in listed
    ]


def paths(jobs: list[Job]) -> list[float]:
    """Seconds from the start of each job to the end of all that waits for it, at best."""
    after: dict[int, list[int]] = defaultdict(list)
    for n, job in enumerate(jobs):
        for need in job.needs:
            after[need].append(n)
    found: dict[int, float] = {}

    def longest(n: int) -> float:
        if n not in found:
            found[n] = jobs[n].seconds + max((longest(m) for m in after[n]), default=0.0)
        return found[n]

    return [longest(n) for n in range(len(jobs))]


def simulated(jobs: list[Job], *, gpus: int, cores: int) -> float:
    """Seconds until all is done; a job on a GPU takes no core."""
    rank, waits = paths(jobs), [len(job.needs) for job in jobs]
    after: dict[int, list[int]] = defaultdict(list)
    for n, job in enumerate(jobs):
        for need in job.needs:
            after[need].append(n)
    free = {True: gpus, False: cores}
    ready: dict[bool, list[tuple[float, int]]] = {True: [], False: []}
    running: list[tuple[float, int]] = []
    for n, job in enumerate(jobs):
        if not waits[n]:
            heapq.heappush(ready[job.gpu], (-rank[n], n))
    now = 0.0
    while running or any(ready.values()):
        for kind, queue in ready.items():
            while queue and free[kind]:
                n = heapq.heappop(queue)[1]
                free[kind] -= 1
                heapq.heappush(running, (now + jobs[n].seconds, n))
        now, n = heapq.heappop(running)
        free[jobs[n].gpu] += 1
        for m in after[n]:
            waits[m] -= 1
            if not waits[m]:
                heapq.heappush(ready[jobs[m].gpu], (-rank[m], m))
    return now


def by_cost(stage1: float) -> Callable[[dict], float]:
    """Seconds of a job of the protocol."""
    config = load_config([])

    def seconds(job: dict) -> float:
        w: Mapping[str, str] = job["wildcards"]
        if job["rule"] == "run_method":
            tested = sum(filter(None, config.dataset(w["dataset"])["test"].values()))
            return cost_of(config.method(w["method"]), k=int(w["k"]), images=tested).seconds
        if job["rule"] == "learn_from_others":
            return learnt_cost_of(config.method(w["method"])).seconds
        known = {"extract_features": FEATURES, "pretrain_backbone": 3600 * stage1, **SECONDS}
        return known.get(job["rule"], SHORT)

    return seconds


def by_file(folder: Path, unmeasured: list[str]) -> Callable[[dict], float]:
    """Seconds of a job, from the file that Snakemake wrote beside it."""

    def seconds(job: dict) -> float:
        logs = [path for path in job["log"] if "/logs/" in path]
        path = folder / (Path(logs[0]).as_posix().split("/logs/")[1].removesuffix(".log") + ".tsv")
        if not path.is_file():
            unmeasured.append(job["rule"])
            return SHORT
        with path.open(newline="") as file:
            return float(next(csv.DictReader(file, delimiter="\t"))["s"])

    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--measured", type=Path, help="folder of benchmark files")
    parser.add_argument("--configfile", default="config.yaml")
    parser.add_argument("--target", help="all_tables; with --measured all")
    parser.add_argument("--cores", type=int, default=16, help="for jobs without a GPU")
    parser.add_argument("--stage1", type=float, default=0.0, help="hours of Stage 1")
    options, console = parser.parse_args(), Console(width=120)
    listed = planned(options.configfile, options.target or ("all" if options.measured else "all_tables"))
    if options.measured:
        unmeasured: list[str] = []
        jobs = graph(listed, by_file(options.measured, unmeasured))
        took = simulated([Job(j.name, j.seconds, False, j.needs) for j in jobs], gpus=0, cores=options.cores)
        console.print(f"{len(jobs)} jobs, {sum(j.seconds for j in jobs):.0f} s one after another")
        console.print(
            f"{took:.0f} s on {options.cores} cores, {max(paths(jobs)):.0f} s on any number of them"
        )
        console.print(f"without a file, {SHORT:.0f} s each: {len(unmeasured)} jobs")
        return
    jobs = graph(listed, by_cost(options.stage1))
    shown = Table("GPUs", "hours", "without AnoDDPM", title=f"{len(jobs)} jobs of {options.configfile}")
    kept = [job["wildcards"].get("method") != "anoddpm" for job in listed]
    fewer = [
        Job(j.name, j.seconds if keep else 0.0, j.gpu, j.needs) for j, keep in zip(jobs, kept, strict=True)
    ]
    for gpus in (1, 8, 16, 64):
        hours = (simulated(found, gpus=gpus, cores=options.cores) / 3600 for found in (jobs, fewer))
        shown.add_row(str(gpus), *(f"{value:.1f}" for value in hours))
    console.print(shown)
    for name, found in (("all", jobs), ("without AnoDDPM", fewer)):
        console.print(f"critical path, {name}: {max(paths(found)) / 3600:.2f} hours")


if __name__ == "__main__":
    main()

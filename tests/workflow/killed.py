"""Kill a small workflow at random moments, start it again, and compare what it ends with.

``python -m tests.workflow.killed --kills 50``: the long form of ``test_killed.py``. One line a kill, then the
figures; exit status 1 where a byte differs or anything is left.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fusionmedclip.provenance import file_sha256
from tests.workflow.conftest import SNAKEMAKE, Workflow

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
  patchcore: {backbone: clip, settings: {layers: [1, 2]}}
tables:
  table6: {datasets: [busi], shots: [2], methods: [patchcore]}
"""
ROW = "table6_row_1"
DATA = "results/tiny/support/busi/paper/k2_seed0.csv"
"""Four jobs without torch, which start faster."""

VICTIMS = ("head alone", "group", "a job", "warm process")
CLOCK = ("training_log.csv", "environment.json", "provenance.json", "timing.json", ".tsv", ".log", ".refused")
"""Files that hold times, or by which process they were made; beside metrics, whose scores are compared."""


def make_copy(folder: Path) -> Path:
    """A copy of the project with a workflow of six jobs."""
    folder.mkdir(parents=True, exist_ok=True)
    Workflow(folder, ROOT)
    tiny = (folder / "tiny.yaml").read_text()
    tiny = tiny[: tiny.index("  patchcore:")].replace("seeds: [0, 1]", "seeds: [0]")
    (folder / "tiny.yaml").write_text(tiny + SETTINGS.lstrip("\n"))
    return folder


def empty(folder: Path) -> None:
    """Nothing has run there."""
    shutil.rmtree(folder / "results")
    shutil.rmtree(folder / ".snakemake")


def start(folder: Path, target: str, *, printed: int = subprocess.PIPE) -> subprocess.Popen:
    """Start the workflow in a group of its own."""
    command = [str(SNAKEMAKE), "--cores", "2", "--quiet", "rules", "--configfile", "tiny.yaml", "--", target]
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=printed,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def processes_in(folder: Path) -> dict[int, str]:
    """Processes whose working folder is this one, and their commands."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(place / "cwd") == str(folder):
                found[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


def strike(head: subprocess.Popen, folder: Path, victim: str, rng: random.Random) -> None:
    """Kill one process, or all of the group."""
    if victim == "group":
        os.killpg(head.pid, signal.SIGKILL)
        return
    words = {"a job": "run_job.py", "warm process": "serve("}.get(victim)
    found = [pid for pid, command in processes_in(folder).items() if words and words in command]
    try:
        os.kill(rng.choice(found) if found else head.pid, signal.SIGKILL)
    except ProcessLookupError:  # it has ended meanwhile
        head.kill()


def written(folder: Path) -> dict[str, str]:
    """Digests of the results that hold no times."""
    results = folder / "results"
    files = [path for path in results.rglob("*") if path.is_file() and not path.name.endswith(CLOCK)]
    kept = {path.relative_to(results).as_posix(): path for path in files}
    return {
        name: file_sha256(path)
        for name, path in kept.items()
        if not {"metrics", "records", "benchmarks", "logs"} & set(Path(name).parts)
    }


def left_over(folder: Path) -> list[str]:
    """Locks, unfinished files, scripts and sockets."""
    kept = [*(folder / "results").rglob(".*.part"), *(folder / "results").rglob("*.partial")]
    records = folder / ".snakemake"
    for pattern in ("locks/*", "heads/*.json", "heads/*.jobs", "scripts/*", "*.sock", "incomplete/*"):
        kept += records.glob(pattern)
    return [str(path.relative_to(folder)) for path in kept if path.name != ".gate"]


def kill_often(
    folder: Path, kills: int, seed: int, *, target: str, seconds: float, say=print
) -> dict[str, int]:
    """Kill that often, at moments drawn from the time that a whole run takes; run to the end between rounds.

    Returns
    -------
    dict
        ``kills`` by victim, and ``wrong``: runs that ended otherwise than undisturbed.
    """
    rng, counts = random.Random(seed), dict.fromkeys((*VICTIMS, "restarts", "wrong"), 0)
    whole = written(folder)
    struck = 0
    while struck < kills:
        empty(folder)
        for _ in range(min(rng.randint(1, 3), kills - struck)):
            head, victim, moment = start(folder, target), rng.choice(VICTIMS), rng.uniform(0.1, seconds)
            try:
                head.wait(timeout=moment)
            except subprocess.TimeoutExpired:
                strike(head, folder, victim, rng)
            printed = head.communicate(timeout=300)[0]
            struck += 1
            counts[victim] += 1
            counts["restarts"] += "an earlier start was killed" in printed
            say(f"{struck}: {victim} after {moment:.1f} s, exit {head.returncode}")
        last = start(folder, target)
        printed = last.communicate(timeout=600)[0]
        counts["restarts"] += "an earlier start was killed" in printed
        orphans = processes_in(folder)
        differ = sorted(name for name, _ in set(written(folder).items()) ^ set(whole.items()))
        if last.returncode or orphans or differ or left_over(folder):
            counts["wrong"] += 1
            say(f"WRONG: {last.returncode} {orphans} {differ} {left_over(folder)}\n{printed[-3000:]}")
    return counts


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_copy(Path(scratch, "project").resolve())
        begun = time.monotonic()
        first = start(folder, ROW)
        assert first.wait() == 0, first.communicate()[0]
        seconds = time.monotonic() - begun
        counts = kill_often(folder, asked.kills, asked.seed, target=ROW, seconds=seconds)
        print(f"a run takes {seconds:.0f} s; {time.monotonic() - begun:.0f} s in all; {counts}")
    sys.exit(bool(counts["wrong"]))


if __name__ == "__main__":
    main()

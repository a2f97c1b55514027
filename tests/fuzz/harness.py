"""Damage whole files by a seed, have a worker read each, and count how it ended."""

import importlib
import json
import os
import selectors
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fusionmedclip.randomness import generator
from tests.fuzz.mutators import mutate
from tests.fuzz.target import Target

__all__ = ["FAULTS", "OUTCOMES", "Trial", "counts", "fuzz"]

OUTCOMES = ("read", "refused", "traceback", "unnamed", "memory", "hang", "crash", "outside")
"""Read, or refused by an ``InputError`` that names the file. The rest are faults: another exception, a
refusal without the name, more than 1 GB asked for, more than ``LIMIT`` seconds, a dead process, a file
written elsewhere."""
FAULTS = OUTCOMES[2:]
LIMIT = 10.0  # seconds for one input
_START = 600.0  # seconds for a worker's first answer, imports included
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Trial:
    """One damaged file and how reading it ended; kept, with what lay beside it, where that was a fault."""

    target: str
    index: int
    outcome: str
    detail: str
    file: Path


class Worker:
    """A process of :mod:`tests.fuzz.worker`, started again where it hung or died."""

    def __init__(self, home: Path, module: str):
        self.home, self.module = home, module
        self.process: subprocess.Popen | None = None
        self.ready = ""

    def ask(self, target: str, whole: list[Path], file: Path) -> tuple[str, str]:
        """Outcome and detail of one damaged file; before the first of a target, its whole files are read."""
        if self.process is None:
            self._start()
        if self.ready != target:
            for sound in whole:
                outcome, detail = self._answer(target, sound, limit=_START, whole=True)
                if outcome != "read":
                    raise RuntimeError(f"{target}: the whole file {sound} is not read: {outcome}: {detail}")
            self.ready = target
        return self._answer(target, file, limit=LIMIT, whole=False)

    def _answer(self, target: str, file: Path, *, limit: float, whole: bool) -> tuple[str, str]:
        out = self.home / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        request = {"target": target, "file": str(file), "out": str(out), "whole": whole}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(limit):
                self.stop()
                return "hang", f"more than {limit:g} s"
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.stop()
            return "crash", f"exit status {code}: {(self.home / 'stderr').read_text()[-2000:]}"
        answer = json.loads(line)
        return answer["outcome"], answer["detail"]

    def _start(self) -> None:
        scratch = self.home / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        ours = {"PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        with (self.home / "stderr").open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.worker", str(scratch), self.module],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=scratch,
                env={**os.environ, **ours},
            )  # fmt: skip

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.process, self.ready = None, ""


def fuzz(
    folder: Path,
    *,
    each: int,
    seed: int = 0,
    workers: int = 1,
    only: Iterable[str] = (),
    module: str = "tests.fuzz.targets",
) -> list[Trial]:
    """Try every reader on damaged files.

    Parameters
    ----------
    folder : Path
        Takes the files; those that led to a fault are left under ``faults``.
    each : int
        Damaged files for each reader.
    seed : int
        Keys the damage: the same files every time.
    workers : int
        Processes; does not change the files.
    only : iterable of str
        Names of readers; empty for all.
    module : str
        Whose ``targets()`` are tried.
    """
    wanted = importlib.import_module(module).targets()
    wanted = [target for target in wanted if target.name in set(only)] if only else wanted
    parts = [wanted[start::workers] for start in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        done = pool.map(
            lambda n: list(_part(Worker(folder / f"worker{n}", module), parts[n], each, seed)), range(workers)
        )
        found = [trial for trials in done for trial in trials]
    order = {target.name: place for place, target in enumerate(wanted)}
    return sorted(found, key=lambda trial: (order[trial.target], trial.index))


def counts(trials: Iterable[Trial]) -> dict[str, Counter]:
    """Outcomes by reader."""
    table: dict[str, Counter] = {}
    for trial in trials:
        table.setdefault(trial.target, Counter())[trial.outcome] += 1
    return table


def _part(worker: Worker, wanted: list[Target], each: int, seed: int) -> Iterator[Trial]:
    faults = worker.home.parent / "faults"
    try:
        for target in wanted:
            name = target.name.replace(" ", "_")
            place, damaged = worker.home / "whole" / name, worker.home / "damaged"
            place.mkdir(parents=True)
            whole = target.write(place)
            for index in range(each):
                sound = whole[index % len(whole)]
                rng = generator(seed, "fuzz", target.name, index)
                shutil.rmtree(damaged, ignore_errors=True)
                shutil.copytree(place, damaged)
                file = damaged / sound.relative_to(place)
                file.write_bytes(mutate(sound.read_bytes(), rng, tokens=target.tokens))
                outcome, detail = worker.ask(target.name, whole, file)
                if outcome == "hang":  # asked again: a machine may sleep, and the limit is of the clock
                    outcome, detail = worker.ask(target.name, whole, file)
                if outcome in FAULTS:
                    kept = faults / f"{name}_{index}"
                    kept.parent.mkdir(exist_ok=True)
                    damaged.rename(kept)
                    file = kept / sound.relative_to(place)
                yield Trial(target.name, index, outcome, detail, file)
    finally:
        worker.stop()

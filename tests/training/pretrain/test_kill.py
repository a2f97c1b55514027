"""Killed with SIGKILL at random moments and started again, a run ends with the same bytes."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from fusionmedclip.models.backbones.store import CONFIG, SETTINGS, WEIGHTS
from fusionmedclip.training.pretrain import PretrainSettings
from fusionmedclip.training.pretrain.job import CHECKPOINT, Job

KILLS = 3
LONG = PretrainSettings(max_epochs=20, batch_size=4, warmup_epochs=1, learning_rate=1e-3, patience=0,
                        checkpoint_steps=1, workers=2)  # fmt: skip


def start_process(job: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "fusionmedclip.training.pretrain", "--settings", str(job)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen) -> None:
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()


def checkpoints(out: Path) -> list[str]:
    """Names of the checkpoints that stand; 120 steps are 120 of them, one after another."""
    folder = out / CHECKPOINT
    return (
        sorted(p.name for p in folder.glob("epoch*_step*") if p.suffix != ".partial")
        if folder.is_dir()
        else []
    )


def wait_for_change(process: subprocess.Popen, out: Path) -> bool:
    """Wait until training moves on from where it stands; False if the run ended first."""
    before, deadline = checkpoints(out), time.monotonic() + 300
    while checkpoints(out) == before:
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, "no progress in five minutes"
        time.sleep(0.001)
    return True


@pytest.mark.long
def test_kills_at_random_moments(start: Path, captions: pd.DataFrame, tmp_path: Path):
    table = tmp_path / "captions.csv"
    captions.rename(columns={"file": "image"}).to_csv(table, index=False)
    source = {"kind": "csv", "path": str(table), "check": "none"}
    for name in ("whole", "killed"):
        job = Job(backbone=start, captions=source, out=tmp_path / name, settings=LONG, seed=0, progress=False)
        job.write(tmp_path / f"{name}.json")
    finish(start_process(tmp_path / "whole.json"))

    rng, kills, out = random.Random(), 0, tmp_path / "killed"
    for _ in range(KILLS):
        process = start_process(tmp_path / "killed.json")
        if wait_for_change(process, out):
            time.sleep(rng.uniform(0, 0.3))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
        process.communicate()
    assert kills >= 1
    assert not (out / SETTINGS).exists() or not (out / CHECKPOINT).exists()
    finish(start_process(tmp_path / "killed.json"))

    names = (WEIGHTS, CONFIG, SETTINGS, "training_log.csv", "retrieval.csv", "skipped.csv")
    for name in names:
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert not (out / CHECKPOINT).exists()

"""Two processes under torchrun train as one with the same global batch."""

import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.store import load_backbone
from fusionmedclip.training.pretrain import PretrainSettings, pretrain
from fusionmedclip.training.pretrain.__main__ import main
from fusionmedclip.training.pretrain.distributed import start_world
from fusionmedclip.training.pretrain.job import Job

# Everything on: mixup, path dropout, smoothing, equal captions, layer-wise rates.
SETTINGS = PretrainSettings(max_epochs=3, batch_size=8, warmup_epochs=1, learning_rate=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("micro_batch", [pytest.param(None, marks=pytest.mark.long), 2])
def test_two_processes_follow_one(
    start: Path, captions: pd.DataFrame, tmp_path: Path, monkeypatch, micro_batch: int | None
):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    common = {"backbone": start, "captions": captions, "seed": 0, "progress": False}
    pretrain(out=tmp_path / "one", settings=SETTINGS, **common)
    spread = replace(SETTINGS, micro_batch=micro_batch)
    pretrain(out=tmp_path / "two", settings=spread, processes=2, **common)
    one, two = (pd.read_csv(tmp_path / name / "training_log.csv") for name in ("one", "two"))
    assert len(one) == 9
    assert two["loss"].to_numpy() == pytest.approx(one["loss"].to_numpy(), abs=1e-4)
    assert two["mixup_weight"].tolist() == one["mixup_weight"].tolist()
    one, two = (pd.read_csv(tmp_path / name / "retrieval.csv") for name in ("one", "two"))
    losses = one["metric"] == "loss"
    assert two[losses]["value"].to_numpy() == pytest.approx(one[losses]["value"].to_numpy(), abs=1e-4)
    # Weights themselves may differ where the gradient is zero but for rounding (a key's bias): AdamW
    # makes full steps of any gradient. What they compute may not.
    images = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        embedded = [load_backbone(tmp_path / name).visual(images) for name in ("one", "two")]
    assert torch.allclose(embedded[0], embedded[1], atol=1e-3)


def test_world_size_is_asserted(monkeypatch):
    with pytest.raises(InputError, match="number of processes"), start_world(2):
        pass
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(InputError, match="torchrun"), start_world(2):
        pass


def test_entry_point_refuses_what_it_cannot_use(start: Path, tmp_path: Path, monkeypatch, capsys):
    source = {"kind": "csv", "path": str(tmp_path / "nowhere.csv")}
    job = Job(backbone=start, captions=source, out=tmp_path / "out", settings=SETTINGS, seed=0)
    job.write(tmp_path / "job.json")
    monkeypatch.setattr(sys, "argv", ["pretrain", "--settings", str(tmp_path / "job.json")])
    assert main() == 1
    assert "no such table of captions" in capsys.readouterr().err


def test_job_files(start: Path, tmp_path: Path):
    job = Job(backbone=start, captions={"kind": "roco", "path": "x"}, out=tmp_path, settings=SETTINGS, seed=3)
    job.write(tmp_path / "job.json")
    again = Job.read(tmp_path / "job.json")
    assert (again.settings, again.seed, again.backbone) == (SETTINGS, 3, start)
    (tmp_path / "short.json").write_text('{"backbone": "x", "sede": 1}')
    with pytest.raises(InputError, match="missing or unknown"):
        Job.read(tmp_path / "short.json")
    with pytest.raises(InputError, match="no settings that can be read"):
        Job.read(tmp_path / "absent.json")

"""Stage 1 over the nodes of a SLURM allocation: two simulated ones that meet through gloo."""

import socket
import sys
from pathlib import Path

import pandas as pd
import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.training.pretrain import PretrainSettings, pretrain
from fusionmedclip.training.pretrain.torchrun import torchrun

SETTINGS = PretrainSettings(max_epochs=2, batch_size=8, warmup_epochs=1, learning_rate=2e-3)
SRUN = f"""#!{sys.executable}
import json, subprocess, sys
from pathlib import Path
command = sys.argv[next(i for i, word in enumerate(sys.argv) if i and not word.startswith("--")):]
Path(__file__).with_name("called.json").write_text(json.dumps(sys.argv[1:]))
nodes = [subprocess.Popen(command) for _ in range(2)]
sys.exit(max(node.wait() for node in nodes))
"""


def test_one_machine_stands_alone():
    command = torchrun(2, 1, {"SLURM_JOB_ID": "7"})
    assert command[1:] == ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    assert torchrun(2, 1, {}) == command


def test_two_nodes_meet_on_the_first():
    command = torchrun(8, 2, {"SLURM_JOB_ID": "12345"})
    assert command[:4] == ["srun", "--overlap", "--nodes=2", "--ntasks=2"]
    assert {"--cpus-per-task=4", "--nnodes=2", "--nproc-per-node=4", "--rdzv-id=12345"} <= set(command)
    assert f"--rdzv-endpoint={socket.gethostname()}:22345" in command


def test_processes_divide_over_nodes():
    with pytest.raises(InputError, match="as many processes on each node"):
        torchrun(3, 2, {"SLURM_JOB_ID": "1"})
    with pytest.raises(InputError, match="SLURM allocation"):
        torchrun(4, 2, {})


@pytest.mark.long
def test_two_simulated_nodes_follow_one_process(start: Path, captions: pd.DataFrame, tmp_path, monkeypatch):
    """``srun`` of this test starts its command twice, as on two nodes."""
    srun = tmp_path / "bin/srun"
    srun.parent.mkdir()
    srun.write_text(SRUN)
    srun.chmod(0o755)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    common = {"backbone": start, "captions": captions, "settings": SETTINGS, "seed": 0, "progress": False}
    pretrain(out=tmp_path / "one", **common)
    monkeypatch.setenv("PATH", f"{srun.parent}:/usr/bin:/bin")
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    pretrain(out=tmp_path / "two", processes=2, nodes=2, **common)
    assert (srun.parent / "called.json").is_file()
    one, two = (pd.read_csv(tmp_path / name / "training_log.csv") for name in ("one", "two"))
    assert len(one) == 6
    assert two["loss"].to_numpy() == pytest.approx(one["loss"].to_numpy(), abs=1e-4)

"""Checkpoints survive whatever is left behind by a kill."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from fusionmedclip.models.checkpoints import Checkpoints, write_safely

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(3.0)}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_round_trip_keeps_the_newest_alone(tmp_path: Path):
    kept = Checkpoints(tmp_path, "run")
    assert kept.load() is None
    kept.save((0, 5), TENSORS, {"epoch": 0})
    kept.save((1, 0), {name: value + 1 for name, value in TENSORS.items()}, {"epoch": 1, "loss": 0.1 + 0.2})
    tensors, state = kept.load()
    assert state == {"epoch": 1, "loss": 0.1 + 0.2}
    assert torch.equal(tensors["a"], TENSORS["a"] + 1)
    assert tensors["b"].shape == ()
    assert names(tmp_path) == ["epoch00001_step0000000"]


def test_order_is_by_epoch_then_step(tmp_path: Path):
    kept = Checkpoints(tmp_path, "run")
    kept.save((2, 30), TENSORS, {"at": "early"})
    early = tmp_path / "kept_aside"
    (tmp_path / "epoch00002_step0000030").rename(early)
    kept.save((10, 4), TENSORS, {"at": "late"})
    early.rename(tmp_path / "epoch00002_step0000030")
    assert kept.load()[1] == {"at": "late"}


def test_half_written_and_half_removed_ones_are_passed_over(tmp_path: Path):
    kept = Checkpoints(tmp_path, "run")
    kept.save((1, 0), TENSORS, {"epoch": 1})
    half_written = tmp_path / "epoch00002_step0000000.partial"
    half_written.mkdir()
    (half_written / "tensors").write_bytes(b"\0\0")
    elsewhere = tmp_path / "epoch00001_step0000007.partial"
    elsewhere.mkdir()
    half_removed = tmp_path / "epoch00003_step0000000"
    half_removed.mkdir()
    (half_removed / "state.json").write_text(json.dumps({"digest": "run", "state": {}}))
    assert kept.load()[1] == {"epoch": 1}
    kept.save((2, 0), TENSORS, {"epoch": 2})  # over the half-written one
    assert kept.load()[1] == {"epoch": 2}
    assert not elsewhere.exists()


@pytest.mark.parametrize("damaged", [False, True])
def test_one_that_is_not_gone_on_from_stands_in_nobodys_way(tmp_path: Path, damaged: bool):
    """At the position of the first that the next run saves: with other settings, or torn."""
    Checkpoints(tmp_path, "run" if damaged else "other").save((1, 0), TENSORS, {"epoch": 0})
    if damaged:
        (tmp_path / "epoch00001_step0000000" / "tensors").write_bytes(b"\0\0")
    kept = Checkpoints(tmp_path, "run")
    assert kept.load() is None
    kept.save((1, 0), TENSORS, {"epoch": 1})
    assert kept.load()[1] == {"epoch": 1}
    assert names(tmp_path) == ["epoch00001_step0000000"]


def test_what_a_killed_write_left_goes_with_the_next(tmp_path: Path):
    for name in (".a.json.0a1b2c3d.part", "..a.json.0a1b2c3d.part.ffffffff.part", ".a.json.mybackup.part"):
        (tmp_path / name).touch()
    write_safely(tmp_path / "a.json", lambda place: place.write_text("{}"))
    assert names(tmp_path) == [".a.json.mybackup.part", "a.json"]


def test_another_runs_checkpoint_is_ignored_and_removed(tmp_path: Path):
    Checkpoints(tmp_path, "other").save((9, 0), TENSORS, {"epoch": 9})
    kept = Checkpoints(tmp_path, "run")
    assert kept.load() is None
    kept.save((1, 0), TENSORS, {"epoch": 1})
    assert names(tmp_path) == ["epoch00001_step0000000"]


def test_write_safely_leaves_the_old_file_when_writing_fails(tmp_path: Path):
    path = tmp_path / "settings.json"
    write_safely(path, lambda place: place.write_text("old"))

    def fail(place: Path) -> None:
        place.write_text("ne")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        write_safely(path, fail)
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("tensors", lambda data: data[:20]),
        ("tensors", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        ("tensors", lambda data: b""),
        ("state.json", lambda data: data[:10]),
        ("state.json", lambda data: b"{}"),
        ("state.json", lambda data: b"[]"),
    ],
)
def test_a_damaged_one_is_passed_over_and_says_so(file, damage, tmp_path: Path, capsys):
    """One flipped bit too; the one before it, where its removal was interrupted, is gone on from."""
    kept = Checkpoints(tmp_path, "run")
    kept.save((1, 0), TENSORS, {"epoch": 1})
    shutil.copytree(tmp_path / "epoch00001_step0000000", tmp_path / "epoch00002_step0000000")
    place = tmp_path / "epoch00002_step0000000" / file
    place.write_bytes(damage(place.read_bytes()))
    (tmp_path / "epoch00009_step0000000").write_text("no folder")
    assert kept.load()[1] == {"epoch": 1}
    assert "epoch00002_step0000000" in capsys.readouterr().err

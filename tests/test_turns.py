"""Processes that take turns, and folders that take each other's place: nothing mixed, nothing half."""

import errno
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from fusionmedclip import turns as turns_module
from fusionmedclip.models.backbones import weight_files
from fusionmedclip.models.backbones.weight_files import read_safetensors, write_safetensors
from fusionmedclip.outputs import whole_folder
from fusionmedclip.turns import alone_beside, alone_in
from tests.ordinary_user import without_rights


@pytest.mark.parametrize("turns", [alone_in, alone_beside])
def test_one_at_a_time_and_nothing_is_left(tmp_path: Path, turns) -> None:
    inside, most = [], []
    lock = threading.Lock()

    def work(_: int) -> None:
        with turns(tmp_path / "place"):
            with lock:
                inside.append(1)
                most.append(len(inside))
            time.sleep(0.01)
            with lock:
                inside.pop()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    assert most == [1] * 24
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def _as_nobody(place: Path, go, asking, began, done, killed: bool) -> None:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    assert go.wait(300)
    asking.set()
    with alone_beside(place):
        began.set()
        if killed:
            os.kill(os.getpid(), signal.SIGKILL)
        assert done.wait(300)


@pytest.mark.skipif(os.geteuid() != 0, reason="two users at once need root")
@pytest.mark.parametrize("mode", [0o777, 0o1777], ids=["a group's folder", "a folder of all"])
@pytest.mark.parametrize("killed", [False, True], ids=["at work", "killed"])
@pytest.mark.parametrize("first", ["they", "we"])
def test_two_users_take_turns_as_two_processes_of_one_do(mode: int, killed: bool, first: str) -> None:
    """A lock's file is its maker's: others may read it, and in a folder of all not remove it."""
    context = multiprocessing.get_context("fork")
    go, asking, began, done = (context.Event() for _ in range(4))
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, without_rights():  # which they can reach
        os.chmod(folder, mode)
        place = Path(folder, "place")
        other = context.Process(daemon=True, target=_as_nobody, args=(place, go, asking, began, done, killed))
        other.start()  # before the lock is taken, which a fork would hold, too
        if first == "they":
            go.set()
            assert began.wait(300)
            threading.Timer(0.3, done.set).start()
            with alone_beside(place):
                assert done.is_set() or killed
        else:
            with alone_beside(place):
                go.set()
                assert asking.wait(300)
                assert not began.wait(0.5)
            done.set()
            assert began.wait(300)
        other.join(300)
        assert other.exitcode == (-signal.SIGKILL if killed else 0)


def _hold(place: Path, held) -> None:
    with alone_beside(place):
        held.set()
        time.sleep(900)


def test_a_killed_holder_keeps_nobody_out(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    held = context.Event()
    process = context.Process(daemon=True, target=_hold, args=(tmp_path / "place", held))
    process.start()
    assert held.wait(300)
    process.kill()
    process.join()
    with alone_beside(tmp_path / "place"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_disk_that_knows_no_locks_keeps_nobody_out(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(turns_module.fcntl, "flock", refuse)
    with alone_in(tmp_path), alone_beside(tmp_path / "place"):
        (tmp_path / "file").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_two_that_write_one_folder_leave_that_of_one_of_them(tmp_path: Path) -> None:
    store = tmp_path / "store"

    def write(who: int) -> None:
        for _ in range(40):
            with whole_folder(store) as temporary:
                for name in "abc":
                    (temporary / name).write_text(str(who))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len({(store / name).read_text() for name in "abc"}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_folder_that_cannot_take_its_place_leaves_that_of_before(tmp_path: Path) -> None:
    """As where somebody has tidied the unfinished one away."""
    store = tmp_path / "store"
    with whole_folder(store) as temporary:
        (temporary / "a").write_text("before")
    with pytest.raises(FileNotFoundError), whole_folder(store) as temporary:
        temporary.rmdir()
    assert (store / "a").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_weights_that_are_read_while_they_are_written_again_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    tensors = {"weight": torch.ones(1 << 19)}
    write_safetensors(tensors, path)
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            write_safetensors(tensors, path)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            for _ in range(60):
                assert torch.equal(read_safetensors(path)["weight"], tensors["weight"])
        finally:
            done.set()
        writing.result()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_weights_whose_writing_fails_are_those_of_before(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "model.safetensors"
    write_safetensors({"weight": torch.ones(3)}, path)

    def fill(_, place: Path, **__) -> None:
        Path(place).write_bytes(b"\0" * 9)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weight_files, "save_file", fill)
    with pytest.raises(OSError, match="No space"):
        write_safetensors({"weight": torch.zeros(3)}, path)
    assert read_safetensors(path)["weight"].tolist() == [1, 1, 1]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]

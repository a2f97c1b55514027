"""The soak in short: what is held stays the same, and a leak would be seen."""

import mmap
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.held import Change, Held, held
from tests.patience import until
from tests.soak import list_many, predict_often

REST = Held(memory=100, files=9, threads=2, children=1)


def test_thirty_predictions_hold_what_the_first_ones_held(tmp_path):
    change = Change.of(predict_often(tmp_path, 30))
    assert change.is_flat, change


def test_listing_takes_its_memory_for_the_libraries_not_for_the_pictures(tmp_path):
    listed, curated = list_many(tmp_path, 100, side=32)
    assert listed <= curated < 0.4e9


@pytest.mark.parametrize(
    "leak",
    [{"memory": 106}, {"files": 10}, {"threads": 3}, {"children": 2}],
    ids=lambda leak: next(iter(leak)),
)
def test_a_leak_is_seen(leak):
    seen = [REST] * 50
    assert Change.of(seen).is_flat
    assert Change.of([*seen[:-5], *[replace(REST, memory=104)] * 5]).is_flat
    assert not Change.of([*seen[:-5], *[replace(REST, **leak)] * 5]).is_flat


@pytest.mark.parametrize("flags", [mmap.MAP_PRIVATE, mmap.MAP_SHARED], ids=["its own", "shared"])
def test_memory_that_is_written_is_held(flags):
    before = held(os.getpid()).memory
    with mmap.mmap(-1, 50_000_000, flags=flags | mmap.MAP_ANONYMOUS) as block:
        block.write(b"x" * len(block))
        assert held(os.getpid()).memory - before > 45_000_000


def test_of_a_process_that_has_ended_nothing_is_held():
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as ended:
        ended.stdout.read()
        until(lambda: "State:\tZ" in Path(f"/proc/{ended.pid}/status").read_text())
        with pytest.raises(ProcessLookupError):
            held(ended.pid)


def test_an_open_file_is_held(tmp_path):
    before = held(os.getpid())
    with (tmp_path / "one").open("w"):
        assert held(os.getpid()).files == before.files + 1
    assert held(os.getpid()) == replace(before, memory=held(os.getpid()).memory)

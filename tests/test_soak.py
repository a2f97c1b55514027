"""The soak in short: what is held stays the same, and a leak would be seen."""

import os
from dataclasses import replace

import pytest

from tests.held import Change, Held, held
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


def test_an_open_file_is_held(tmp_path):
    before = held(os.getpid())
    with (tmp_path / "one").open("w"):
        assert held(os.getpid()).files == before.files + 1
    assert held(os.getpid()) == replace(before, memory=held(os.getpid()).memory)

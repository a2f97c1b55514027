"""The harness sees each kind of fault, damages alike by the same seed, and goes on after a dead worker."""

import gzip
from pathlib import Path

import pytest

from fusionmedclip.randomness import generator
from tests.fuzz import harness
from tests.fuzz.faulty_targets import targets
from tests.fuzz.mutators import MUTATORS, mutate


def test_each_fault_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "LIMIT", 3.0)
    trials = harness.fuzz(tmp_path, each=2, module="tests.fuzz.faulty_targets")
    seen = {target.name: [t.outcome for t in trials if t.target == target.name] for target in targets()}
    assert seen == {name: [name] * 2 for name in harness.OUTCOMES}
    kept = {t.target for t in trials if t.file.exists()}
    assert kept == set(harness.FAULTS)


def test_the_same_seed_gives_the_same_bytes_and_every_mutator_is_used() -> None:
    data = gzip.compress(bytes(range(200)) + b"width 100 height 20", mtime=0)
    first, again, other = ([mutate(data, generator(s, "mutate", i)) for i in range(50)] for s in (0, 0, 1))
    assert first == again != other
    assert len(set(first)) >= 45
    for number, mutator in enumerate(MUTATORS):
        results = {bytes(mutator(bytearray(data), generator(0, "one", number, i))) for i in range(20)}
        assert results - {data}, mutator.__name__

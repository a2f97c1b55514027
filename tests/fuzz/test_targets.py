"""Every public reader over damaged files: read, or one error that names the file. `make fuzz` tries more."""

from pathlib import Path

import pytest

from tests.fuzz.harness import FAULTS, counts, fuzz
from tests.fuzz.targets import targets

EACH = 25


@pytest.mark.slow
def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    trials = fuzz(tmp_path, each=EACH)
    assert len(trials) == EACH * len(targets())
    faults = [f"{t.target} {t.index}: {t.outcome}: {t.detail}" for t in trials if t.outcome in FAULTS]
    assert not faults, "\n".join(faults)
    for name, found in counts(trials).items():
        assert found["refused"] > 0, f"no damage to a {name} was noticed: is it read at all?"

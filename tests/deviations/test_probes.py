"""Every choice that docs/deviations.md lists is a setting, and the setting is what decides."""

from functools import cache
from pathlib import Path

import pytest

from fusionmedclip.config import Config, load_config
from fusionmedclip.methods import check_settings, check_stage1
from fusionmedclip.provenance import canonical
from fusionmedclip.reporting.tables.rows import is_run, rows_of, run_settings
from tests.deviations.document import Row, flipped, read_rows
from tests.deviations.probes import PROBES, probe_of

ROOT = Path(__file__).resolve().parents[2]
THESIS = load_config(ROOT / "config.yaml")
ROWS = read_rows(ROOT / "docs" / "deviations.md", THESIS)
FLIPS = [pytest.param(*flip, id=f"{row.number} {text}") for row in ROWS for text, flip in row.flips.items()]


def everything(config: Config) -> str:
    """What each cell of each table is made of, and every method's settings beside them."""
    cells = {
        table: [
            (c.dataset, c.method, c.k, [run_settings(config, run) for run in c.runs(config)]) for c in row
        ]
        for table in config.data["tables"]
        for row in rows_of(config, table).values()
    }
    return canonical({"cells": cells, "methods": {n: config.method(n) for n in config.data["methods"]}})


AS_IT_IS = everything(THESIS)


def test_the_rows_are_numbered_and_none_is_missed():
    lines = (ROOT / "docs" / "deviations.md").read_text(encoding="utf-8").splitlines()
    assert [row.number for row in ROWS] == list(range(1, len(ROWS) + 1))
    assert len(ROWS) == sum(line.startswith("| ") for line in lines) - 2  # head and rule


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.number))
def test_each_row_says_how_to_flip_it_or_why_nothing_can(row: Row):
    if row.flips:
        assert not row.last.startswith("none")
        # Nothing in backticks that looks like a line of configuration is overlooked.
        assert len(row.flips) == row.last.count(": ") - sum(t.count(": ") - 1 for t in row.flips)
    else:
        assert row.last.startswith("none: ")
        assert len(row.last.split()) > 6


@pytest.mark.parametrize(("path", "value"), FLIPS)
def test_a_flip_is_allowed_and_changes_the_resolved_settings(path, value):
    config = flipped(THESIS, path, value)
    for name in config.data["methods"]:
        method = config.method(name)
        if is_run(config, name):
            check_settings(method["kind"], method["settings"], where=name)
    for name in config.data["backbones"]:
        check_stage1(config.backbone(name)["stage1"], where=name)
    assert everything(config) != AS_IT_IS


@pytest.fixture(scope="module")
def unflipped(tmp_path_factory):
    """What a probe says of the configuration as it is, computed once."""
    return cache(lambda probe: probe(THESIS, tmp_path_factory.mktemp("unflipped") / "work"))


@pytest.mark.parametrize(("path", "value"), FLIPS)
def test_a_flip_changes_what_is_computed(path, value, unflipped, tmp_path):
    probe = probe_of(path)
    assert probe(flipped(THESIS, path, value), tmp_path / "work") != unflipped(probe)


@pytest.mark.parametrize("start", PROBES)
def test_without_a_flip_nothing_changes(start, unflipped, tmp_path):
    assert PROBES[start](THESIS, tmp_path / "work") == unflipped(PROBES[start])


def test_a_path_without_a_probe_is_told():
    with pytest.raises(LookupError, match=r"no probe.*methods\.unknown"):
        probe_of("methods.unknown.settings")
    assert probe_of("split_seed") is PROBES["split_seed"]

"""The reasons that a configuration gives its tables are those that the settings of its runs give again."""

import copy
import json

import pytest

from fusionmedclip.config import load_config
from fusionmedclip.provenance import canonical
from fusionmedclip.reporting.tables.asked import asked_of
from fusionmedclip.reporting.tables.inputs import TableRecord
from fusionmedclip.reporting.tables.rows import rows_of, run_settings, runs_of
from fusionmedclip.reporting.verification.reason_check import check_reasons

OVERLAYS = {
    "the protocol": [],
    "tiny": ["tests/workflow/tiny.yaml"],
    "every rule": ["tests/workflow/tiny.yaml", "tests/workflow/every_rule.yaml"],
    "demo": ["configs/demo.yaml"],
    "demo, strategy": ["configs/demo.yaml", "configs/strategy.yaml"],
    "one seed, variants": ["one_seed.yaml", "configs/variants.yaml"],
    "offline, grouped": ["configs/offline.yaml", "configs/grouped.yaml"],
    "published": ["configs/published.yaml"],
    "variants": ["configs/variants.yaml"],
    "further": ["configs/further.yaml"],
    "strategy": ["configs/strategy.yaml"],
    "more seeds": ["configs/supports20.yaml"],
    "repeated": ["repeated.yaml"],
}
REPEATED = "backbones: {roco_clip: {stage1: {repeated: true}}}\nseeds: [2, 0, 1]\n"


@pytest.fixture
def recorded(root, tmp_path):
    """Records of a configuration's tables as they would be written, and the settings of its runs."""

    def make(case: str):
        (tmp_path / "repeated.yaml").write_text(REPEATED)
        (tmp_path / "one_seed.yaml").write_text("seeds: [0]\n")
        paths = [root / name if "/" in name else tmp_path / name for name in OVERLAYS[case]]
        config = load_config([root / "config.yaml", *paths])
        cells = [
            cell for table in config.data["tables"] for row in rows_of(config, table).values() for cell in row
        ]
        runs = {run.path: json.loads(canonical(run_settings(config, run))) for run in runs_of(config, cells)}
        asked = json.loads(canonical(asked_of(config)))
        tables = {
            name: TableRecord(table=name, inputs={}, outputs={}, **made)
            for name, made in asked.items()
            if made["request"]
        }
        return tables, runs

    return make


@pytest.mark.parametrize("case", OVERLAYS)
def test_what_a_configuration_says_its_runs_say_too(recorded, case):
    tables, runs = recorded(case)
    assert tables
    assert {
        name: said for name, record in tables.items() if (said := list(check_reasons(record, runs)))
    } == {}


def test_of_a_variant_what_it_shares_with_the_protocol_cannot_be_left_out(recorded):
    tables, runs = recorded("one seed, variants")
    record = copy.deepcopy(tables["variants"])
    cell = next(cell for cell in record.request if cell["method"] == "lora_only")
    assert cell["reasons"]
    cell["reasons"] = []
    assert next(check_reasons(record, runs)).startswith(
        f"the reasons of {cell['dataset']}, lora_only are not"
    )

"""The README's table is the one that its record gives, and the record is what results hold."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.reporting.tables.readme import (
    ELSEWHERE,
    readme_section,
    record_table,
    stale_cells,
    write_section,
)
from fusionmedclip.reporting.tables.row import COLUMNS

RECORD = "docs/demo_table8.json"
MACHINE = {"processor": "Made-up CPU", "vectors": "AVX2", "blas": {"numpy": "openblas 1"}, "onednn": "3.1"}
PROVENANCE = {"commit": "a" * 40, "dirty": False, "packages": {"torch": "2.99"}, "machine": MACHINE}


def test_the_readme_prints_what_its_record_gives(root: Path) -> None:
    record = json.loads((root / RECORD).read_text())
    readme = (root / "README.md").read_text()
    found = re.search(
        rf"<!-- table of {re.escape(RECORD)}: make readme -->\n(.*?)\n<!-- end of the table -->", readme, re.S
    )
    assert found is not None, "the README has no table with marks"
    assert found[1] == readme_section(record), "the README's table is not its record's: make readme"


def test_a_changed_number_changes_the_table(root: Path) -> None:
    record = json.loads((root / RECORD).read_text())
    head, first, *rest = record["rows"]
    fields = first.split(",")
    mean = head.split(",").index("mean")
    fields[mean] = str(float(fields[mean]) + 0.01)
    changed = {**record, "rows": [head, ",".join(fields), *rest]}
    assert readme_section(changed) != readme_section(record)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Table 8 of the demo with one method on one data set, and metrics of it and of another run."""
    row = dict.fromkeys(COLUMNS) | {
        "table": "table8", "row": 1, "dataset": "busi", "method": "coop", "k": 16, "metric": "image_auroc",
        "mean": 0.7512, "std": 0.0201, "n_seeds": 2, "paper_mean": 0.811, "paper_std": 0.011,
        "delta": -0.0598, "split": "paper", "status": "stand-in",
    }  # fmt: skip
    (tmp_path / "tables").mkdir()
    pd.DataFrame([row]).to_csv(tmp_path / "tables/table8.csv", index=False)
    for number, (method, machine) in enumerate(
        (("coop", MACHINE), ("clip", {**MACHINE, "processor": "Other"}))
    ):
        settings = {"dataset": "busi", "method": {"name": method}, "k": 16, "split": "paper"}
        path = tmp_path / "metrics" / f"{number}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"settings": settings, "provenance": {**PROVENANCE, "machine": machine}}))
    return tmp_path


def test_the_record_holds_numbers_titles_and_the_machine_of_its_own_runs(results: Path) -> None:
    record = record_table(results, "table8", "demo")
    assert record["made"]["machines"] == ["Made-up CPU; torch with AVX2; numpy: openblas 1; oneDNN 3.1"]
    assert record["made"]["commits"] == ["aaaaaaaaaa"]
    section = readme_section(json.loads(json.dumps(record)))
    assert "| 1 | + CoOp | 75.1 ± 2.0 (thesis 81.1, -6.0) \\* |" in section
    assert "phantom breast ultrasound" in section
    assert "torch 2.99 on Made-up CPU" in section


def test_results_without_table_or_machine_are_refused(results: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)no such table.*table6\.csv.*make demo"):
        record_table(results, "table6", "demo")
    path = results / "metrics/0.json"
    record = json.loads(path.read_text())
    del record["provenance"]["machine"]
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match="which machine"):
        record_table(results, "table8", "demo")


def test_only_what_lies_between_the_marks_is_replaced(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("a\n<!-- table of r.json: make readme -->\nold\n<!-- end of the table -->\nb\n")
    write_section(readme, "r.json", "new")
    assert (
        readme.read_text() == "a\n<!-- table of r.json: make readme -->\nnew\n<!-- end of the table -->\nb\n"
    )
    readme.write_text("no marks")
    with pytest.raises(InputError, match="no marks"):
        write_section(readme, "r.json", "new")
    assert readme.read_text() == "no marks"


def test_a_record_that_results_contradict_is_stale(results: Path) -> None:
    record = record_table(results, "table8", "demo")
    assert stale_cells(record, record) == []
    head, row = record["rows"]

    def moved(points: float, **made) -> dict:
        changed = row.replace("0.7512", str(0.7512 + points / 100))
        return {**record, "rows": [head, changed], "made": {**record["made"], **made}}

    assert stale_cells(record, moved(0.1)) == ["1 busi coop 16 image_auroc: 75.1 in the record, 75.2 now"]
    elsewhere = {"machines": ["another"]}
    assert stale_cells(record, moved(ELSEWHERE - 0.1, **elsewhere)) == []
    assert len(stale_cells(record, moved(ELSEWHERE + 0.1, **elsewhere))) == 1
    assert len(stale_cells(record, moved(float("nan"), **elsewhere))) == 1
    other = {**record, "rows": [head, row.replace("busi", "brainmri")]}
    assert len(stale_cells(record, other)) == 2

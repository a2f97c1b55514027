"""Results of other settings, of another version, or of another place: each is recognised, with what to do."""

import json
import shutil
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.provenance import environment
from tests.reporting.verification.conftest import reseal

METRICS = "metrics/busi/paper/patchcore/k2/seed0.json"


def verify(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["verify", *map(str, arguments)])
    assert "Traceback" not in done.output
    return done.exit_code, done.output


def _settings(data: dict) -> None:
    data["methods"]["patchcore"]["settings"]["layers"] = [1]


def _seeds(data: dict) -> None:
    data["seeds"] = [0, 1, 2]


@pytest.mark.parametrize("change", [_settings, _seeds])
def test_settings_that_were_changed_after_the_results(results, small, tmp_path, monkeypatch, change) -> None:
    monkeypatch.chdir(tmp_path)
    data = deepcopy(small.data)
    (tmp_path / "as_made.yaml").write_text(yaml.safe_dump(data))
    monkeypatch.setattr("fusionmedclip.config.PROTOCOL", tmp_path / "as_made.yaml")
    assert verify(results, "--config", tmp_path / "as_made.yaml")[0] == 0
    change(data)
    (tmp_path / "changed.yaml").write_text(yaml.safe_dump(data))
    status, printed = verify(results, "--config", tmp_path / "changed.yaml")
    assert status == 1
    assert (
        f"contradicted {results}/tables/images.inputs.json: it was made for other cells or settings"
        in printed
    )
    assert "than the configuration's: snakemake makes them" in printed


def test_another_schema_says_which_and_what_to_do(results, requests_of_small) -> None:
    """A whole set of results by another version, whose records agree among each other."""
    for path in (results / "metrics").rglob("*.json"):
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "schema_version": 7}))
    reseal(results)
    status, printed = verify(results)
    assert status == 1
    assert (
        f"contradicted {results}/{METRICS}: written in form 7 by another version of this code, which reads 1"
    ) in printed
    assert "make it again, or verify with commit " in printed
    assert "0 of 3 cells" in printed


@pytest.mark.skipif(environment()["commit"] is None, reason="outside a checkout no commit is known")
def test_another_version_of_the_code_is_named_with_its_commit(results) -> None:
    assert "the code of then" not in verify(results)[1]
    for name in (METRICS, METRICS.replace("metrics/", "runs/").replace(".json", "/provenance.json")):
        record = json.loads((results / name).read_text())
        (record.get("provenance") or record["environment"])["commit"] = "0123456789abcdef" * 2
        (results / name).write_text(json.dumps(record))
    reseal(results)
    _, printed = verify(results)
    today = f"this is {environment()['commit'][:12]}, whose"
    assert f"not checked: the code of then: 1 of 4 runs are of commit 0123456789ab, and {today}" in printed
    assert "`git checkout 0123456789ab`" in printed


def test_moved_results_hold_and_say_what_is_not_at_hand(results, tmp_path) -> None:
    shutil.move(results, tmp_path / "another machine's")
    status, printed = verify(tmp_path / "another machine's")
    assert status == 0
    assert "3 of 3 cells of 5 tables are met again from 4 runs; nothing else was found" in printed
    shutil.rmtree(tmp_path / "another machine's/datasets/busi/phantoms")
    status, printed = verify(tmp_path / "another machine's")
    assert status == 0
    assert "not checked: " in printed

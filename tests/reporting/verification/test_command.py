"""``fusionmedclip verify``, and what the report and the archive make of it."""

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.errors import InputError
from fusionmedclip.reporting.verification.packing import check_verified
from fusionmedclip.reporting.verification.text import verification_line
from fusionmedclip.reporting.verification.verify import verify_results, write_verification
from tests.ordinary_user import without_rights

SCORES = "scores/busi/paper/patchcore/k2/seed0/scores.csv"


def _run(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["verify", *map(str, arguments)])
    return done.exit_code, done.output


def test_results_that_hold_end_with_zero(results, small, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)  # where no config.yaml lies under the overlay
    status, printed = _run(results)
    lines = printed.splitlines()
    assert (status, [line.startswith("not checked: ") for line in lines]) == (0, [False, True, True])
    assert "3 of 3 cells of 5 tables are met again from 4 runs" in printed
    config = tmp_path / "small.yaml"
    config.write_text(yaml.safe_dump(small.data))
    monkeypatch.setattr("fusionmedclip.config.PROTOCOL", config)  # whose tables would be asked for too
    assert _run(results, "--config", config)[0] == 0


def test_each_file_is_named_and_the_status_is_one(results) -> None:
    (results / SCORES).write_text((results / SCORES).read_text() + "\n")
    (results / "tables/pixels.md").unlink()
    (results / "metrics/more.json").write_text("{}")
    status, printed = _run(results)
    assert status == 1
    lines = [line.split()[:2] for line in printed.splitlines()]
    assert lines[:3] == [
        ["added", f"{results}/metrics/more.json:"],
        ["altered", f"{results}/{SCORES}:"],
        ["deleted", f"{results}/tables/pixels.md:"],
    ]
    assert "1 of 3 cells" in printed
    assert "3 files are named" in printed


def test_a_configuration_names_the_tables_not_made_for_it(results, small, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = json.loads(json.dumps(small.data))
    data["tables"]["pixels"]["shots"] = [2, 4]
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(data))
    status, printed = _run(results, "--config", tmp_path / "other.yaml")
    assert status == 1
    assert f"contradicted {results}/tables/pixels.inputs.json" in printed
    assert "images.inputs.json" not in printed
    assert "2 of 3 cells" in printed


def test_what_is_no_folder_is_not_told_to_run_the_workflow(tmp_path) -> None:
    (tmp_path / "report.html").touch()
    for name in ("nowhere", "report.html"):
        status, printed = _run(tmp_path / name)
        assert status == 2
        assert "no folder of results" in " ".join(printed.split())
        assert "all_tables" not in printed


def test_a_folder_without_tables_is_a_wrong_request(tmp_path) -> None:
    status, printed = _run(tmp_path)
    assert status == 2
    assert "no tables" in printed


@pytest.mark.parametrize("below", ["tables", "tables/images"])
def test_a_folder_inside_the_results_is_told_which_one_is_meant(results, below: str) -> None:
    status, printed = _run(results / below)
    assert status == 2
    assert f"Hint: the tables are those of {results}: give that folder" in printed


@pytest.mark.parametrize(
    "shut", ["", "tables", "runs", "metrics/busi", "scores/busi/paper/patchcore/k2", "empty"]
)
def test_what_may_not_be_read_is_named_and_not_passed_over(results, tmp_path, shut: str) -> None:
    """Globbing finds nothing in such a folder, and says nothing."""
    folder = results / shut if shut != "empty" else results / "scores/empty"
    folder.mkdir(exist_ok=True)
    (folder / "in").touch()
    before = folder.stat().st_mode
    folder.chmod(0)
    try:
        with without_rights():
            status, printed = _run(results)
    finally:
        folder.chmod(before)
    assert status == 2
    assert "ermission denied" in printed or "not readable" in printed
    assert "no tables" not in printed


def test_many_processes_find_the_same(results, monkeypatch) -> None:
    monkeypatch.setattr("fusionmedclip.reporting.verification.recompute._MANY", 1)
    path = results / "metrics/busi/paper/patchcore/k2/seed0.json"
    path.write_text(path.read_text().replace('"image_auroc"', '"image_auroc "'))
    started: list[int] = []

    def pool(processes, *more):
        started.append(processes)
        return ProcessPoolExecutor(processes, *more)

    monkeypatch.setattr("fusionmedclip.reporting.verification.recompute.ProcessPoolExecutor", pool)
    alone = verify_results(results, processes=1)
    assert started == []
    assert verify_results(results, processes=2) == alone
    assert started == ([2, 2] if sys.platform == "linux" else [])  # runs, then tables


@pytest.fixture
def written(results, asked_of_small, tmp_path):
    """``verification.json`` of results in which one file was changed."""

    def write(change: str | None = None) -> dict:
        if change is not None:
            (results / change).parent.mkdir(parents=True, exist_ok=True)
            with (results / change).open("a") as file:
                file.write("\n")
        out = tmp_path / "verification.json"
        write_verification(results=results, asked=asked_of_small, sources={}, out=out)
        return json.loads(out.read_text())

    return write


def test_the_report_says_that_everything_was_met_or_what_was_not(written) -> None:
    assert "Verified: 3 of 3 cells were met again from the scores of 4 runs" in verification_line(written())
    assert "not checked: scores and maps against the images" in verification_line(written())
    line = verification_line(written(SCORES))
    assert "Not verified: 1 of 3 cells" in line
    assert f"<code>{SCORES}</code> (altered)" in line
    found = {"holds": False, "met": 0, "cells": 1, "runs": 1}
    named = [{"file": f"<{n}>", "what": "added", "why": ""} for n in range(12)]
    line = verification_line({**found, "findings": named})
    assert "&lt;9&gt;" in line
    assert "&lt;10&gt;" not in line
    assert "and 2 more" in line


def test_what_does_not_hold_is_not_packed(results, written) -> None:
    check_verified(results, written())
    check_verified(results, written("metrics/added.json"))  # nobody packs it
    with pytest.raises(InputError, match=f"do not hold(.|\n)*{SCORES}: altered, "):
        check_verified(results, written(SCORES))


@pytest.mark.parametrize(("count", "more"), [(10, ""), (11, "\n  and 1 more"), (13, "\n  and 3 more")])
def test_ten_files_are_named_and_the_others_counted(tmp_path, count, more) -> None:
    named = [{"file": f"{n}", "what": "altered", "why": "x"} for n in range(count)]
    with pytest.raises(InputError) as refused:
        check_verified(tmp_path, {"findings": named, "files": {}})
    lines = "".join(f"\n  {n}: altered, x" for n in range(10))
    assert f"not packed{lines}{more}\n  Hint" in str(refused.value)


@pytest.mark.parametrize("name", ["tables/images.csv", "datasets/busi/manifest.csv"], ids=["packed", "not"])
def test_a_file_changed_or_lost_after_all_was_verified_stops_the_archive(results, written, name) -> None:
    found = written()
    (results / name).write_text("table\n")
    with pytest.raises(InputError, match=f"{name}: altered since it was verified"):
        check_verified(results, found)
    (results / name).unlink()
    with pytest.raises(InputError, match=f"{name}: deleted since it was verified"):
        check_verified(results, found)

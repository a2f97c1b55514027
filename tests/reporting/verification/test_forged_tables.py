"""Forgeries of a table, every digest above it renewed: its runs and the configuration tell."""

import copy
import shutil
from pathlib import Path

import pytest

from fusionmedclip.reporting.tables.appendix_formats import build_appendix
from fusionmedclip.reporting.tables.inputs import read_record
from fusionmedclip.reporting.verification.table_check import check_table
from fusionmedclip.reporting.verification.trace import trace_cell
from fusionmedclip.reporting.verification.verify import verify_results
from tests.reporting.verification.conftest import build, reseal
from tests.reporting.verification.forging import (
    METRICS,
    ROW,
    edit,
    named,
)


@pytest.mark.parametrize(
    ("column", "value"),
    [("mean", "0.9"), ("std", "0.001"), ("ci_low", "0.4"), ("ci_high", "0.99"), ("n_seeds", "3"),
     ("paper_mean", "0.5"), ("paper_std", "0.1"), ("delta", "0.0"), ("status", "ok"),
     ("backbone", "ViT-L/14"), ("k", "4"), ("method", "fusionmedclip"), ("split", "grouped")],
)  # fmt: skip
def test_a_forged_column_is_named_though_the_table_has_it(results, tmp_path, column: str, value: str) -> None:
    edit(results / ROW, lambda table: table.__setitem__(column, value))
    edit(results / "tables/images.csv", lambda table: table.at.__setitem__((0, column), value))
    found = _of_table(results, tmp_path)
    assert f"line 2, {column}: {float(value) if value[0].isdigit() else value} is written" in found[ROW]


@pytest.mark.parametrize(
    "kind",
    [".csv", ".md", ".tex", ".html", "_comparisons.csv", "_ranks.csv", "_metrics.csv", "_verdicts.csv"],
)
def test_a_forged_format_or_statistic_is_named(results, tmp_path, kind: str) -> None:
    path = results / f"tables/images{kind}"
    text = path.read_text()
    if kind == "_verdicts.csv":  # phantoms are judged by nobody
        text += "busi" + "," * text.count(",") + "\n0"
    digit = next(at for at in reversed(range(len(text))) if text[at].isdigit())
    path.write_text(text[:digit] + ("8" if text[digit] != "8" else "7") + text[digit + 1 :])
    assert f"tables/images{kind}" in _of_table(results, tmp_path)


def _of_table(results: Path, scratch: Path) -> dict[str, str]:
    """Files that are named, and why, where all bytes are believed."""
    record = read_record(results / "tables/images.inputs.json")
    return {finding.file: finding.why for finding in check_table(results, record, [], scratch / "again")}


def test_a_forged_appendix_is_named(results) -> None:
    path = results / "tables/table_a1.csv"
    path.write_text(path.read_text().replace("200", "100"))
    reseal(results, believed=("tables",))
    assert named(results) == [("tables/table_a1.csv", "contradicted")]


RECORDS = [(f"tables/{table}.inputs.json", "contradicted") for table in ("images", "pixels")]


def _reasons(request: list[dict]) -> list[list]:
    return [[cell["dataset"], cell["method"], cell["reasons"]] for cell in request]


def test_a_seed_left_out_shows_by_what_it_left_behind(results, requests_of_small, asked_of_small) -> None:
    shorter = copy.deepcopy(requests_of_small)
    for cell in shorter["images"] + shorter["pixels"]:
        cell["runs"].pop(next(run for run in cell["runs"] if run.endswith("seed1")))
    for table, request in shorter.items():
        build(results, table, request)
    found = named(results)
    assert ("metrics/busi/paper/patchcore/k2/seed1.json", "added") in found
    assert {what for _, what in found} == {"added", "contradicted"}
    for name, what in found:
        if what == "added":
            (results / name).unlink()
    assert named(results) == RECORDS  # whose reasons speak of two seeds
    for table, request in shorter.items():
        for cell in request:
            cell["reasons"] = [text.replace("seeds: 0, 1 ", "seeds: 0 ") for text in cell["reasons"]]
        build(results, table, request, reasons=_reasons(request))
    assert named(results) == []
    assert named(results, asked=asked_of_small) == RECORDS


def test_a_stand_in_that_calls_itself_the_thesiss_is_told_by_its_runs(results, requests_of_small) -> None:
    better = copy.deepcopy(requests_of_small["images"])
    for cell in better:
        cell["reasons"] = []
    build(results, "images", better, reasons=_reasons(better))
    assert "phantoms instead" not in (results / "tables/images.md").read_text()
    assert named(results) == RECORDS[:1]


def _say_less(look: dict, _asked: dict) -> None:
    look["reasons"] = [[dataset, method, []] for dataset, method, _ in look["reasons"]]


def _rank_less(look: dict, _asked: dict) -> None:
    look["unranked"] = ["patchcore"]


def _note_more(look: dict, _asked: dict) -> None:
    look["ours"] = {"patchcore": "made up"}


def _swap_titles(look: dict, _asked: dict) -> None:
    first, second = look["titles"]["patchcore"], look["titles"]["mean_brightness_raw"]
    look["titles"] = {**look["titles"], "patchcore": second, "mean_brightness_raw": first}


def _control_more(look: dict, _asked: dict) -> None:
    look["controls"] = []


@pytest.mark.parametrize(
    ("change", "by_runs"),
    [
        (_say_less, True),
        (_rank_less, True),
        (_note_more, True),
        (_swap_titles, False),
        (_control_more, False),
    ],
)
def test_a_forged_look_is_told_by_the_runs_or_the_configuration(
    results, requests_of_small, asked_of_small, change, by_runs: bool
) -> None:
    look = copy.deepcopy(asked_of_small["images"]["layout"])
    change(look, asked_of_small)
    build(results, "images", requests_of_small["images"], **look)
    assert (RECORDS[0] in named(results)) is by_runs
    assert RECORDS[0] in named(results, asked=asked_of_small)
    unchecked = verify_results(results).unchecked
    assert any("titles, which methods are controls" in said for said in unchecked)
    assert not any("titles" in said for said in verify_results(results, asked=asked_of_small).unchecked)


def test_an_appendix_that_agrees_everywhere_is_told_by_the_configuration(results, asked_of_small) -> None:
    layout = copy.deepcopy(asked_of_small["table_a1"]["layout"])
    for row in layout["rows"]:
        row.update(ours=row["thesis"], note="")
    build_appendix(tables={"table_a1": layout}, folder=results / "tables")
    assert named(results) == []
    assert any("Tables A1 to A3" in said for said in verify_results(results).unchecked)
    assert named(results, asked=asked_of_small) == [("tables/table_a1.inputs.json", "contradicted")]


def test_a_table_that_is_gone_altogether_is_told_by_the_configuration(results, asked_of_small) -> None:
    for path in [*(results / "tables").glob("pixels*"), *(results / "tables/pixels").glob("*")]:
        if path.is_file():
            path.unlink()
    (results / "tables/pixels").rmdir()
    assert named(results, asked=asked_of_small) == [("tables/pixels.inputs.json", "deleted")]


def test_a_record_of_a_table_that_lists_less_is_named(forged, results) -> None:
    name = "tables/images.inputs.json"
    forged(name, lambda record: record["inputs"].pop(METRICS))
    assert named(results) == [(name, "contradicted")]


@pytest.mark.parametrize("request_", ["x", [1], [{"runs": 3}], [{"runs": {"../../x": "y"}, "row": 1}], [{}]])
def test_a_record_of_nonsense_with_a_seal_is_named(forged, results, request_) -> None:
    name = "tables/images.inputs.json"
    forged(name, lambda record: record.update(request=request_))
    assert named(results) == [(name, "altered")]


def test_trace_knows_which_runs_a_table_was_made_from(results) -> None:
    folder = results / "metrics/busi/paper/patchcore/k2"
    assert trace_cell(results, "images", "busi", "patchcore", 2).holds
    shutil.copy(folder / "seed0.json", folder / "seed5.json")
    found = trace_cell(results, "images", "busi", "patchcore", 2)
    assert (found.added, found.missing, len(found.runs)) == (
        ("metrics/busi/paper/patchcore/k2/seed5.json",),
        (),
        2,
    )
    assert not found.holds
    (folder / "seed1.json").unlink()
    found = trace_cell(results, "images", "busi", "patchcore", 2)
    assert (found.missing, len(found.runs)) == (("metrics/busi/paper/patchcore/k2/seed1.json",), 1)
    assert not found.holds

"""Rows of tables and the runs behind them."""

import copy

import pytest

from fusionmedclip.config import Config, load_config
from fusionmedclip.errors import InputError
from fusionmedclip.provenance import digest
from fusionmedclip.reporting.tables.rows import Run, row_request, rows_of, run_settings, runs_of
from fusionmedclip.reporting.thesis.paper import printed


@pytest.fixture(scope="module")
def thesis(root):
    return load_config(root / "config.yaml")


def test_tables_have_the_thesis_cells(thesis):
    """Counted by hand in the thesis: 12 rows of 7, 4 rows of 6, 6 rows of 3; every cell is printed there."""
    counts = {t: [len(row) for row in rows_of(thesis, t).values()] for t in ("table6", "table7", "table8")}
    assert counts == {"table6": [7] * 12, "table7": [6] * 4, "table8": [3] * 6}
    for table in counts:
        for row in rows_of(thesis, table).values():
            for cell in row:
                assert printed(cell.table, cell.dataset, cell.method, cell.k, cell.metric) is not None


def test_printed_figures_are_converted_to_fractions():
    cell = printed("table6", "brainmri", "fusionmedclip", 4, "image_auroc")
    assert cell.mean == pytest.approx(0.935)
    assert cell.std == pytest.approx(0.006)
    assert printed("table7", "busi", "cutpaste", 4, "pixel_auroc") is None


def test_a_run_shared_by_tables_is_one_run(thesis):
    six, eight = (
        {r for row in rows_of(thesis, t).values() for cell in row for r in cell.runs(thesis)}
        for t in ("table6", "table8")
    )
    shared = six & eight
    assert Run("busi", "paper", "fusionmedclip", 16, 0) in shared
    cells = [c for t in ("table6", "table8") for row in rows_of(thesis, t).values() for c in row]
    assert len(runs_of(thesis, cells)) == len(six | eight)


def test_row_4_needs_only_its_own_runs(thesis):
    runs = runs_of(thesis, rows_of(thesis, "table8")[4])
    assert {run.method for run in runs} == {"coop_umls"}
    assert len(runs) == 9


def test_settings_of_a_run_change_with_what_it_depends_on_and_nothing_else(thesis):
    run = Run("busi", "paper", "coop", 16, 0)
    before = digest(run_settings(thesis, run))
    for path, value, same in [
        (("methods", "patchcore", "settings", "layers"), ["layer2"], True),
        (("datasets", "brainmri", "title"), "x", True),
        (("tables", "table6", "shots"), [4], True),
        (("methods", "clip", "settings", "optimiser", "epochs"), 7, False),
        (("backbones", "clip", "pretrained"), "laion", False),
        (("backbones", "roco_clip", "stage1", "seed"), 3, False),
        (("datasets", "busi", "test", "normal"), 90, False),
        (("image_size",), 256, False),
    ]:
        data = copy.deepcopy(thesis.data)
        place = data
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = value
        assert (digest(run_settings(Config(data), run)) == before) is same, path


def test_request_holds_a_digest_for_each_seed(thesis):
    request = row_request(thesis, "table7", 1)
    patchcore = next(cell for cell in request if cell["method"] == "patchcore")
    assert len(patchcore["runs"]) == 3
    assert patchcore["reasons"] == []


def test_twenty_support_draws_stand_behind_every_cell_of_supports20(root):
    config = load_config([root / "config.yaml", root / "configs/supports20.yaml"])
    rows = [row for table in config.data["tables"] for row in rows_of(config, table).values()]
    for cell in (cell for row in rows for cell in row):
        assert [run.seed for run in cell.runs(config)] == list(range(20))
    assert len(runs_of(config, [cell for row in rows for cell in row])) == 240


@pytest.mark.parametrize(("method", "changes"), [("regad", True), ("patchcore", False)])
def test_the_pools_that_a_meta_trained_method_learns_from_are_part_of_its_identity(root, method, changes):
    data = load_config(root / "config.yaml").data
    run = Run("busi", "paper", method, 4, 0)
    before = digest(run_settings(Config.checked(data), run))
    data["datasets"]["brainmri"]["test"]["normal"] -= 1
    assert (digest(run_settings(Config.checked(data), run)) != before) is changes


def test_a_method_that_learns_from_other_data_sets_is_refused_where_there_are_none(thesis) -> None:
    """Before any job: with a single data set in the configuration."""
    alone = {"busi": thesis.data["datasets"]["busi"]}
    config = Config({**thesis.data, "datasets": alone})
    with pytest.raises(InputError, match=r"(?s)methods.regad learns from other data sets.*busi alone"):
        run_settings(config, Run("busi", "paper", "regad", 4, 0))
    assert run_settings(config, Run("busi", "paper", "patchcore", 4, 0))["meta"] == {}

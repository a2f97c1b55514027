"""Controls that nearly equal the best method are named below a table."""

import pandas as pd
import pytest

from fusionmedclip.reporting.tables.build import markdown
from fusionmedclip.reporting.tables.control_notes import control_notes
from fusionmedclip.reporting.tables.row import COLUMNS

TITLES = {"busi": "BUSI", "mri": "MRI", "bright": "mean brightness", "size": "image size", "pc": "PatchCore"}


def _table(*cells):
    rows = [
        {**dict.fromkeys(COLUMNS), "row": 1, "dataset": dataset, "method": method, "k": k, "mean": mean,
         "metric": "image_auroc", "status": "not run" if mean is None else "ok", "backbone": "none"}
        for dataset, method, k, mean in cells
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"mean": float})


@pytest.mark.parametrize(
    ("control", "named"),
    [(0.92, True), (0.80, True), (0.78, True), (0.75, True), (0.749, False), (0.5, False)],
)
def test_within_three_points_of_the_best_method_or_above(control, named):
    table = _table(("busi", "bright", 16, control), ("busi", "pc", 16, 0.78), ("busi", "other", 16, 0.6))
    notes = control_notes(table, controls=["bright"], titles=TITLES)
    assert bool(notes) is named
    if named:
        assert "on BUSI at k = 16" in notes[0]
        assert "PatchCore (78.0)" in notes[0]
        assert f"mean brightness ({100 * control:.1f})" in notes[0]


@pytest.mark.parametrize(("control", "named"), [(0.20, True), (0.25, True), (0.26, False)])
def test_a_control_far_below_a_half_counts_the_other_way_round(control, named):
    notes = control_notes(
        _table(("busi", "bright", 16, control), ("busi", "pc", 16, 0.78)), controls=["bright"], titles=TITLES
    )
    assert bool(notes) is named
    if named:
        assert (
            f"mean brightness ({100 * control:.1f}, or {100 - 100 * control:.1f} the other way round)"
            in notes[0]
        )


def test_each_data_set_and_k_is_judged_by_itself():
    table = _table(
        ("busi", "bright", 4, 0.70), ("busi", "size", 4, 0.71), ("busi", "pc", 4, 0.72),
        ("busi", "bright", 16, 0.70), ("busi", "size", 16, 0.70), ("busi", "pc", 16, 0.90),
        ("mri", "bright", 16, 0.95), ("mri", "size", 16, 0.50), ("mri", "pc", 16, 0.90),
    )  # fmt: skip
    notes = control_notes(table, controls=["bright", "size"], titles=TITLES)
    assert [note.split(" a control")[0] for note in notes] == [
        "Shortcut: on BUSI at k = 4",
        "Shortcut: on MRI at k = 16",
    ]
    assert "mean brightness (70.0), image size (71.0)" in notes[0]
    assert "image size" not in notes[1]


def test_what_was_not_run_neither_wins_nor_loses():
    table = _table(("busi", "bright", 16, None), ("busi", "pc", 16, 0.5), ("mri", "bright", 16, 0.9),
                   ("mri", "pc", 16, None))  # fmt: skip
    assert control_notes(table, controls=["bright"], titles=TITLES) == []


@pytest.mark.parametrize("layout", ["dataset_k", "method"])
def test_the_note_stands_below_the_table(layout):
    table = _table(("busi", "bright", 16, 0.8), ("busi", "pc", 16, 0.7))
    lines = markdown(table, title="T", titles=TITLES, layout=layout, controls=["bright"]).splitlines()
    assert lines[-1].startswith("Shortcut: on BUSI")
    assert "Shortcut" not in markdown(table, title="T", titles=TITLES, layout=layout)

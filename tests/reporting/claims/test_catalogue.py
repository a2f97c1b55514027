"""Claims as data: what they say of the thesis's own tables, and what is refused."""

import csv
from pathlib import Path

import pytest
import yaml

from fusionmedclip.errors import InputError
from fusionmedclip.reporting.claims import catalogue
from fusionmedclip.reporting.claims.catalogue import claimed_tables, claims, read_claims
from fusionmedclip.reporting.claims.comparisons import Cell
from fusionmedclip.reporting.claims.evidence import Evidence
from fusionmedclip.reporting.claims.verdicts import OWN_TABLES, judge_claims, printed_sum

DATA = Path(catalogue.__file__).parents[1] / "thesis/data"
BEATS = {
    "kind": "beats", "table": "table6", "method": "fusionmedclip", "over": ["squid"],
    "datasets": ["busi"], "shots": [4, 8], "more_than": 5,
}  # fmt: skip


def _read(tmp_path, **test):
    entry = {"short": "s", "text": "t", "section": "4.3", "test": test}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump({"one": entry}))
    (found,) = read_claims(tmp_path / "claims.yaml")
    return found


def _figures():
    with (DATA / "paper_tables.csv").open() as file:
        return {
            (row["table"], row["dataset"], row["method"], int(row["k"])): float(row["mean_percent"])
            for row in csv.DictReader(file)
        }


def test_each_shipped_claim_is_about_cells_that_the_thesis_prints():
    figures = _figures()
    assert len(claims()) == 20
    assert len({claim.name for claim in claims()}) == len({claim.short for claim in claims()}) == 20
    for claim in claims():
        assert set(claim.cells) <= figures.keys()
        assert bool(claim.why) != bool(claim.comparisons)


def test_the_first_claim_is_about_every_cell_of_table_6():
    """A naive loop over the printed table."""
    figures, first = _figures(), claims()[0]
    table = {place: mean for place, mean in figures.items() if place[0] == "table6"}
    wanted = {
        round(table["table6", d, "fusionmedclip", k] - mean, 6)
        for (_, d, method, k), mean in table.items()
        if method != "fusionmedclip"
    }
    assert len(first.cells) == len(table) == 84
    assert len(first.comparisons) == 72
    assert {round(100 * printed_sum(comparison), 6) for comparison in first.comparisons} == wanted


def test_the_thesis_s_tables_contradict_one_of_its_claims():
    """By hand: 91.5 is not 89.9; 94.8 - 40.5 is more than 37, which is all that the abstract says."""
    judged = judge_claims(claims(), Evidence({}, {}))
    own = [found.claim.name for found in judged if found.verdict == OWN_TABLES]
    assert own == ["busi_figure"]
    figures, held = _figures(), {claim.name: claim for claim in claims()}
    (gain,) = held["over_zero_shot"].comparisons
    assert (gain.low, gain.high) == (0.37, float("inf"))
    assert 100 * printed_sum(gain) == pytest.approx(54.3)
    leap = {c.terms[0][0].dataset: 100 * printed_sum(c) for c in held["adapter_leap"].comparisons}
    for dataset in ("chexpert", "brainmri", "busi"):
        names = ("clip", "roco_clip", "coop", "coop_umls", "align_adapter")
        c, r, p, u, a = (figures["table8", dataset, m, 16] for m in names)
        assert r - c > a - u  # so it is not the largest of all, which nobody says
        assert leap[dataset] == pytest.approx((a - u) - (u - p))


def test_a_last_digit_that_rounding_explains_is_no_contradiction(tmp_path):
    """15.9 in the text, 93.3 - 77.5 = 15.8 in the table: 93.34 - 77.45 would round to both."""
    gain = {"kind": "beats", "table": "table8", "method": "align_adapter", "over": ["coop_umls"],
            "datasets": ["brainmri"], "shots": [16], "within": 3}  # fmt: skip
    for amount, verdicts in ((15.9, 0), (16.0, 1), (15.6, 1)):
        claim = _read(tmp_path, **gain, amounts={"brainmri": amount})
        (found,) = judge_claims([claim], Evidence({}, {}))
        assert (found.verdict == OWN_TABLES) == bool(verdicts)


def test_kinds_of_tests_compare_what_they_say(tmp_path):
    beats = _read(tmp_path, **BEATS)
    assert [dict(c.terms) for c in beats.comparisons] == [
        {Cell("table6", "busi", "fusionmedclip", k): 1, Cell("table6", "busi", "squid", k): -1}
        for k in (4, 8)
    ]
    assert {(c.low, c.high) for c in beats.comparisons} == {(0.05, float("inf"))}
    steps = {
        **BEATS,
        "kind": "steps",
        "table": "table8",
        "methods": ["clip", "coop", "coop_umls"],
        "shots": [16],
    }
    found = _read(tmp_path, **steps).comparisons
    assert [[(cell.method, w) for cell, w in c.terms] for c in found] == [
        [("coop", 1), ("clip", -1)], [("coop_umls", 1), ("coop", -1)],
    ]  # fmt: skip
    (largest,) = _read(tmp_path, **{**steps, "kind": "largest_step", "method": "coop_umls"}).comparisons
    assert {cell.method: w for cell, w in largest.terms} == {"coop_umls": 1, "coop": -2, "clip": 1}
    (average,) = _read(
        tmp_path, **{**BEATS, "kind": "average", "datasets": ["busi", "brainmri"], "shots": [4]}
    ).comparisons
    assert sorted(w for _, w in average.terms) == [-0.5, -0.5, 0.5, 0.5]
    across = _read(tmp_path, **{**BEATS, "kind": "across_k", "shots": [32], "over_shots": [4, 8]}).comparisons
    assert [[(cell.k, w) for cell, w in c.terms] for c in across] == [[(32, 1), (4, -1)], [(32, 1), (8, -1)]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "own"}, "prints no such cell"),
        ({"datasets": ["clinic"]}, "prints no such cell"),
        ({"table": "table9"}, "prints no such cell"),
        ({"shots": [5]}, "prints no such cell"),
        ({"shots": []}, "shots"),
        ({"kind": "wins"}, "wins"),
        ({"more_then": 5}, "more_then"),
        ({"less_than": 5}, "no bound"),
        ({"within": 1, "amounts": {"brainmri": 1}}, "no amount for busi"),
        ({"amounts": {"busi": 1}}, "within"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, change, said):
    with pytest.raises(InputError, match=said):
        _read(tmp_path, **{**BEATS, **change})


def test_a_test_without_any_bound_is_refused(tmp_path):
    with pytest.raises(InputError, match="no bound"):
        _read(tmp_path, **{key: value for key, value in BEATS.items() if key != "more_than"})


def test_tables_of_another_metric_are_not_the_thesis_s():
    tables = {
        "table6": {"metric": "image_ap"},
        "table7": {"metric": "pixel_auroc"},
        "own": {"metric": "image_auroc"},
    }
    assert claimed_tables(tables) == ["table7"]
